"""``headwater dossier`` writes two pages about a store or a model file, for auditors, as HTML and PDF."""
