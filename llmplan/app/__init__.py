"""Widgets: the parts a page is made of, and the server that shows it.

A page is Python only: a model that holds values, parts that show them, and one callback::

    from markupsafe import Markup
    from llmplan.app.widgets.base import guarded
    from llmplan.app.widgets.chart_view import ChartView
    from llmplan.app.widgets.controls import ControlPanel
    from llmplan.app.fields import Select, Slider
    from llmplan.app.widgets.layout import columns, page, stack, toolbar
    from llmplan.app.widgets.parts import DownloadButton, HtmlView, Menu, NavBar, UrlState

    class Page:
        def __init__(self) -> None:
            self.values = {"queries_per_day": 50_000.0, "preset": "chat"}
            fields = [Slider("queries_per_day", "Queries a day", 100, 1e7, "/day", log=True, step=1),
                      Select("preset", "Preset", (("chat", "Support chat"), ("rag", "RAG")))]
            self.controls = ControlPanel(fields, self.values, self.change)
            self.answer, self.curve = HtmlView(live=True), ChartView()
            self.url = UrlState(self.open_link)           # on_query(dict) once, then url.show(dict)
            save = DownloadButton("CSV", lambda: ("curve.csv", "text/csv", b"..."))
            self.refresh()
            self.root = stack([self.answer, page(self.controls, [toolbar([save, self.url]), self.curve])])

        def change(self, changes: dict) -> None:          # cleaned, clamped values only
            self.values |= changes
            self.refresh()

        def refresh(self) -> None:
            with guarded(self.answer):                    # one guard a part: the others live on
                text = Markup('<p class="lp-answer">At {:,.0f} a day ...</p>')
                self.answer.show(text.format(self.values["queries_per_day"]))
            with guarded(self.curve):
                self.curve.show({"data": [...], "layout": {...}}, title="...", alt="...", what="...")
            self.url.show({"queries_per_day": f"{self.values['queries_per_day']:g}"})

Everything works in JupyterLab and in the dashboard page alike. Nothing here imports plotly or pandas.
"""
