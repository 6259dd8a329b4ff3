"""Print the held-out accuracy of the sizing model, by protocol, as stored by `llmplan calibrate`."""

from llmplan.catalog import load_catalog


def main() -> None:
    """Print one line a protocol, quantity and part."""
    document = load_catalog().calibration.model_dump()
    print(
        f"{document['rows']:,} rows, newest of {document['fit_date']}; |predicted / measured - 1|, held out"
    )
    for protocol, quantities in document["errors"].items():
        for quantity, parts in quantities.items():
            for part, f in parts.items():
                if f["n"]:
                    print(
                        f"{protocol:16s} {quantity:10s} {part:8s} n {f['n']:5d}  mean {f['mean_abs_pct']:6.1f} %  "
                        f"median {f['median_abs_pct']:5.1f} %  p90 {f['p90_abs_pct']:6.1f} %  bias {f['bias_pct']:+.1f} %"
                    )


if __name__ == "__main__":
    main()
