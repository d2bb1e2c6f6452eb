"""The sandbox's product database: the files a product, its billing and its data science would land, beside a portal.

`write.write_product` makes them of a seeded or a running portal; `python -m hubspot_platform.sandbox.product` calls it.
"""
