"""Write the page in both languages: ``python -m tools.docs.claims``."""

from tools.docs.claims.page import PAGES, pages

for language, text in pages().items():
    PAGES[language].write_text(text, encoding="utf-8")
    print(f"{PAGES[language]}: {len(text.splitlines())} lines")
