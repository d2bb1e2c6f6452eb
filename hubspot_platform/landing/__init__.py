"""Landing: tables of the product database and of data science, checked against their contract and replaced whole."""
