"""Figures and tables out: PPTX, XLSX, HTML and CSV. What the shell lists of it must load without the rest."""
