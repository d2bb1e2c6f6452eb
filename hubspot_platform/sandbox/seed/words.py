"""Word lists the seeded portal is made of: people, companies, places. Small on purpose; combinations give variety."""


def _words(text: str, separator: str | None = None) -> tuple[str, ...]:
    return tuple(text.split(separator))


FIRST_NAMES = _words(
    "Anna Ben Carla David Elena Felix Grace Hugo Ines Jonas Katarina Liam Maya Noah Olivia Paul Quentin "
    "Rosa Samuel Tessa Ulrich Vera William Ximena Yusuf Zoë Amélie Björn Chiara Dmitri Esra François "
    "Giulia Håkon Ivana José Kenji Lucía Marta Nils Oksana Priya Rahul Siobhán Tomáš Uma Viktor Wei "
    "Yasmin Zofia Aiden Bianca Connor Daria Emil Fatima Gregor Hannah Isaac Julia Karl Leila Marco "
    "Nadia Omar Petra Robert Sofia Thomas Valentina"
)
LAST_NAMES = _words(
    "Anderson Becker Costa Dubois Evans Fischer García Hansen Ivanov Jensen Kowalski Lindqvist Müller "
    "Novak O'Brien Petrov Quinn Rossi Schmidt Takahashi Ueda Vogel Walker Xu Young Zimmermann Ahmed "
    "Bianchi Cohen Díaz Eriksson Fernández Gupta Horváth Ito Johnson Khan Larsen Moreau Nguyen Okafor "
    "Patel Ramírez Silva Tanaka Urban Virtanen Weber Yılmaz Żukowski Baker Carter Davies Edwards Foster "
    "Green Harris Irving Jacobs Keller Lewis Mitchell Nelson Owens Parker Roberts Sanders Turner "
    "Underwood Vaughn Wright"
)
COMPANY_FRONT = _words(
    "Alpine Amber Anchor Apex Arbor Atlas Aurora Beacon Birch Blue Bolt Bright Cascade Cedar Cobalt "
    "Copper Coral Crescent Delta Echo Ember Falcon Fjord Forge Garnet Golden Granite Harbor Helix "
    "Horizon Indigo Iris Iron Jade Juniper Keystone Lark Lumen Maple Meridian Mosaic Nimbus North Nova "
    "Oak Onyx Orbit Osprey Pacific Pine Polar Prime Quartz Quill Raven Ridge River Rowan Sable Sage "
    "Sierra Silver Solar Spruce Sterling Summit Terra Tidal Timber Umber Vale Vertex Violet Willow Wren "
    "Zenith Zephyr"
)
COMPANY_BACK = _words(
    "Analytics Automation Bakery Biotech Brands Capital Care Chemicals Clinics Cloud Coatings Commerce "
    "Components Construction Consulting Data Dental Design Dynamics Education Electric Energy "
    "Engineering Express Farms Finance Fitness Foods Freight Games Gear Health Hotels Imaging Insurance "
    "Interiors Labs Legal Logistics Machines Marine Marketing Media Medical Metals Mobility Motors "
    "Networks Optics Outdoor Packaging Partners Payments Pharma Plastics Power Print Properties "
    "Publishing Rail Recruiting Research Retail Robotics Security Semiconductors Services Shipping "
    "Software Solar Steel Studios Supplies Systems Technologies Telecom Textiles Tools Travel Ventures "
    "Water Wellness Works"
)
LEGAL_FORMS = ("Inc.", "LLC", "GmbH", "Ltd", "B.V.", "S.A.", "AB", "Co.", "", "", "", "")
TOP_LEVELS = ("com", "com", "com", "com", "io", "net", "de", "co.uk", "nl", "fr", "se", "ai")
FREE_MAIL = ("gmail.com", "gmail.com", "outlook.com", "yahoo.com", "icloud.com", "gmx.de", "proton.me")
JOB_TITLES = _words(
    "CEO;Chief Technology Officer;VP Sales;VP Marketing;Head of Operations;Head of Growth;"
    "Sales Manager;Marketing Manager;Product Manager;Office Manager;Account Executive;"
    "Customer Success Manager;Data Analyst;Software Engineer;IT Director;Procurement Lead;"
    "Finance Director;HR Business Partner;Consultant;Owner;Founder;Managing Director;Purchasing Agent;"
    "Project Lead;Operations Analyst",
    ";",
)
INDUSTRIES = _words(
    "COMPUTER_SOFTWARE FINANCIAL_SERVICES RETAIL HOSPITAL_HEALTH_CARE CONSTRUCTION "
    "LOGISTICS_AND_SUPPLY_CHAIN MARKETING_AND_ADVERTISING EDUCATION_MANAGEMENT INSURANCE MANUFACTURING "
    "TELECOMMUNICATIONS AUTOMOTIVE REAL_ESTATE BIOTECHNOLOGY FOOD_BEVERAGES"
)
# country, cities, phone formats (# is a digit; the fixed digits keep the number valid)
PLACES = (
    ("United States", "New York,Austin,Chicago,Denver,Seattle,Boston", "+1 212-555-01##,(415) 555-01##,1312555##42"),
    ("United Kingdom", "London,Manchester,Leeds,Bristol", "+44 20 7946 0###,020 7946 0###,+447911123###"),
    ("Germany", "Berlin,Munich,Hamburg,Cologne", "+49 30 901820##,030 / 9018 20##,0049 171 39200##"),
    ("Netherlands", "Amsterdam,Utrecht,Rotterdam", "+31 20 794 08##,020-79408##,+31612345###"),
    ("France", "Paris,Lyon,Nantes", "+33 1 99 00 ## ##,01 99 00 ## ##,+336120345##"),
    ("Sweden", "Stockholm,Malmö", "+46 8 465 004 ##,08-46500###"),
    ("Canada", "Toronto,Vancouver,Montréal", "+1 416-555-01##,(604) 555-01##"),
    ("Australia", "Sydney,Melbourne", "+61 2 5550 ####,(02) 5550 ####"),
    ("India", "Bengaluru,Mumbai", "+91 98765 4####,098765 4####"),
)
PLACE_WEIGHTS = (42, 14, 12, 7, 6, 4, 8, 4, 3)
STREETS = (
    "Main St",
    "Oak Avenue",
    "High Street",
    "Station Road",
    "Lindenweg",
    "Rue de la Paix",
    "Market Square",
    "Harbour Way",
)
STATES = ("NY", "TX", "IL", "CO", "WA", "MA", "CA")
LANGUAGES = ("en", "en", "en", "en-gb", "de", "nl", "fr", "sv")
TIME_ZONES = (
    "us_slash_eastern",
    "us_slash_central",
    "us_slash_pacific",
    "europe_slash_london",
    "europe_slash_berlin",
    "asia_slash_kolkata",
    "australia_slash_sydney",
)
SOURCES = _words("ORGANIC_SEARCH PAID_SEARCH EMAIL_MARKETING SOCIAL_MEDIA REFERRALS DIRECT_TRAFFIC PAID_SOCIAL OFFLINE")
CAMPAIGNS = ("spring-launch", "brand-2026", "webinar-series", "retarget-q3", "partner-promo", "newsletter")
DEAL_KINDS = ("New licence", "Renewal", "Expansion", "Pilot", "Implementation", "Annual plan", "Training")
NOTES = (
    "Met at the trade fair, wants a call next week.",
    "Asked for pricing of the yearly plan.\nHas 3 sites.",
    'Compares us with "the big two"; budget in Q3.',
    "Referred by a customer – very warm.",
    "Prefers e-mail; do not call before 10:00.",
    "Budget unclear, décision in spring.",
)
EMOJI = ("🚀", "✨", "🙂", "🎉", "👩\u200d💻", "🔥")
