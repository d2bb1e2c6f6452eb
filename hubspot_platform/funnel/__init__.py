"""The company funnel: what becomes of a company's central row, `funnel.company_profile_meta_data`."""
