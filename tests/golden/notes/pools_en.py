"""Sentences and identifiers of the synthetic English notes."""

GIVEN = {
    "developed": [
        "John",
        "Mary",
        "Robert",
        "Linda",
        "Susan",
        "David",
        "Patricia",
        "Michael",
        "Barbara",
        "James",
        "Karen",
        "Thomas",
        "Nancy",
        "Daniel",
        "Betty",
        "Paul",
        "Sandra",
        "Kevin",
        "Carol",
        "Brian",
        "Amanda",
        "Jason",
        "Melissa",
        "Eric",
        "Laura",
        "Stephen",
        "Rebecca",
        "Raymond",
        "Sharon",
        "Gary",
    ],
    "held out": [
        "Priya",
        "Olufemi",
        "Xiomara",
        "Wojciech",
        "Siobhan",
        "Dmitri",
        "Anneliese",
        "Tariq",
        "Guadalupe",
        "Hiroshi",
        "Fatima",
        "Kwame",
        "Ingrid",
        "Rajesh",
        "Mercedes",
        "Gianluca",
        "Thuy",
        "Oluwaseun",
        "Zainab",
        "Bartholomew",
        "Clementine",
        "Hope",
        "Faith",
        "Grace",
        "Dean",
        "Ruby",
        "Violet",
        "Chance",
        "Summer",
        "Rose",
    ],
}
SURNAME = {
    "developed": [
        "Smith",
        "Johnson",
        "Williams",
        "Garcia",
        "Miller",
        "Davis",
        "Rodriguez",
        "Martinez",
        "Anderson",
        "Taylor",
        "Thomas",
        "Moore",
        "Jackson",
        "Thompson",
        "White",
        "Harris",
        "Clark",
        "Lewis",
        "Robinson",
        "Walker",
        "Hall",
        "Allen",
        "King",
        "Wright",
        "Hernandez",
        "Lopez",
        "Hill",
        "Green",
        "Adams",
        "Baker",
    ],
    "held out": [
        "Kowalczyk",
        "Nwosu",
        "Papadopoulos",
        "Raghunathan",
        "Okonkwo",
        "Szczepanski",
        "Vandenberghe",
        "Tchaikovsky",
        "Abdulrahman",
        "Yamamoto",
        "Fitzgerald",
        "O'Sullivan",
        "McAllister",
        "Featherstonehaugh",
        "Nguyen",
        "Castellanos",
        "Lindqvist",
        "Brzezinski",
        "Oyelaran",
        "Petrosyan",
        "Winter",
        "Bishop",
        "Rice",
        "Day",
        "Park",
        "Stone",
        "Fields",
        "Banks",
        "Frost",
        "Cole",
    ],
}
CITY = {
    "developed": [
        "Springfield",
        "Riverside",
        "Franklin",
        "Greenville",
        "Bristol",
        "Clinton",
        "Fairview",
        "Salem",
        "Madison",
        "Georgetown",
        "Dayton",
        "Tucson",
        "Fresno",
        "Omaha",
        "Boise",
    ],
    "held out": [
        "Poughkeepsie",
        "Schenectady",
        "Albuquerque",
        "Chattanooga",
        "Kalamazoo",
        "Sheboygan",
        "Wilkes-Barre",
        "Pawtucket",
        "Tallahassee",
        "Oshkosh",
        "Yonkers",
        "Tuscaloosa",
        "Waukegan",
        "Spokane",
        "Paducah",
    ],
}
STREET = {
    "developed": ["Main Street", "Oak Avenue", "Elm St", "Washington Blvd", "Park Road", "Maple Drive"],
    "held out": [
        "Martin Luther King Parkway",
        "Old Mill Lane",
        "N 42nd Street",
        "Peachtree Ter",
        "Quail Hollow Ct",
        "W Sunset Hwy",
    ],
}
HOSPITAL = {
    "developed": ["Mercy Hospital", "St. Luke's Medical Center", "Riverside General Hospital", "Oakwood Nursing Home"],
    "held out": ["Beth Israel Deaconess Medical Center", "Golden Meadows Assisted Living", "Lakeshore Rehabilitation Center",
                 "University Hospital of Northfield"],
}  # fmt: skip
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def digits(rng, form):
    return "".join(str(rng.randint(0, 9)) if c == "d" else str(rng.randint(2, 9)) if c == "D" else c for c in form)


def pick(forms):
    return lambda rng, half: digits(rng, rng.choice(forms.get(half, forms["held out"])))


def given(rng, half):
    return rng.choice(GIVEN[half])


def surname(rng, half):
    return rng.choice(SURNAME[half])


def full(rng, half):
    middle = rng.choice(["", "", f" {rng.choice('ABCDEHJKLMNRSTW')}."])
    return f"{given(rng, half)}{middle} {surname(rng, half)}"


def listed_name(rng, half):
    name = f"{surname(rng, half)}, {given(rng, half)}"
    return name.upper() if rng.random() < 0.3 else name


def year(rng):
    return str(rng.randint(1998, 2024))


def day(rng, half):
    m, d, y = rng.randint(1, 12), rng.randint(1, 28), year(rng)
    name = MONTHS[m - 1]
    forms = {
        "developed": [f"{m:02}/{d:02}/{y}", f"{m}/{d}/{y[2:]}", f"{y}-{m:02}-{d:02}", f"{name} {d}, {y}", f"{name} {d}"],
        "held out": [f"{d} {name} {y}", f"{d}-{name[:3]}-{y}", f"{name[:3]} {d}, {y}", f"{d}th of {name}", f"{name} {y}",
                     f"{m}-{d}-{y}", f"{m:02}.{d:02}.{y}", f"{name[:3]}. {d}, {y}", f"{d:02}{name[:3].upper()}{y}"],
    }  # fmt: skip
    return rng.choice(forms.get(half) or forms["developed"] + forms["held out"])


def born(rng, half):
    m, d, y = rng.randint(1, 12), rng.randint(1, 28), str(rng.randint(1921, 1990))
    return rng.choice(
        {
            "developed": [f"{m:02}/{d:02}/{y}", f"{y}-{m:02}-{d:02}"],
            "held out": [f"{MONTHS[m - 1]} {d}, {y}", f"{m}/{d}/{y[2:]}"],
            "held out later": [f"{d} {MONTHS[m - 1]} {y}", f"{m:02}-{d:02}-{y}"],
        }[half]
    )


def address(rng, half):
    unit = rng.choice(["", "", f", Apt {rng.randint(1, 40)}", f" #{rng.randint(1, 400)}"])
    return f"{rng.randint(10, 9999)} {rng.choice(STREET[half])}{unit}"


def city(rng, half):
    return rng.choice(CITY[half])


def code(rng, letters=2, numbers=6):
    return "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(letters)) + digits(rng, "d" * numbers)


def vin(rng, half):
    return "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(5)) + digits(rng, "dddddddddddd")


def email(rng, half):
    name = f"{given(rng, half)}{rng.choice('._-')}{surname(rng, half)}".lower().replace("'", "")
    return f"{name}{rng.choice(['', digits(rng, 'dd')])}@{rng.choice(['example.com', 'mail.example.org', 'clinic-post.example.net'])}"


PHONE = {
    "developed": ["(DDd) Ddd-dddd", "DDd-Ddd-dddd", "Ddd-dddd"],
    "held out": [
        "DDd.Ddd.dddd",
        "+1 DDd Ddd dddd",
        "1-DDd-Ddd-dddd ext. ddd",
        "+44 20 7dddDddd".replace("D", "d"),
        "DDdDdddddd",
    ],
}
SLOTS = {
    "given": ("name", given), "surname": ("name", surname), "full": ("name", full), "listed": ("name", listed_name),
    "caps": ("name", lambda rng, half: full(rng, half).upper()),
    "day": ("date", day), "born": ("date", born), "monthname": ("date", lambda rng, half: rng.choice(MONTHS)),
    "weekday": ("date", lambda rng, half: rng.choice(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"])),
    "monthday": ("date", lambda rng, half: f"{rng.randint(1, 12)}/{rng.randint(1, 28)}"),
    "holiday": ("date", lambda rng, half: rng.choice(["Christmas", "Thanksgiving", "New Year's Eve", "Easter", "Labor Day"])),
    "old": ("age", lambda rng, half: str(rng.randint(90, 107))),
    "address": ("place", address), "city": ("place", city), "zip": ("place", pick({"developed": ["ddddd"], "held out": ["ddddd-dddd"]})),
    "hospital": ("place", lambda rng, half: rng.choice(HOSPITAL[half])),
    "county": ("place", lambda rng, half: f"{city(rng, half)} County"),
    "phone": ("phone", pick(PHONE)), "pager": ("phone", pick({"developed": ["ddddd"], "held out": ["Ddddd"]})),
    "fax": ("fax", pick({"developed": ["(DDd) Ddd-dddd", "DDd-Ddd-dddd"], "held out": ["DDd.Ddd.dddd", "+1 DDd Ddd dddd"]})),
    "email": ("email", email), "ssn": ("identity", pick({"developed": ["ddd-dd-dddd"], "held out": ["ddd dd dddd", "ddd-dd-dddd"]})),
    "ssn_plain": ("identity", pick({"developed": ["ddddddddd"], "held out": ["ddddddddd"]})),
    "mrn": ("record", pick({"developed": ["ddddddd", "ddddddd-d"], "held out": ["Mdddddd", "ddd-ddd-ddd", "H00ddddddd"]})),
    "plan": ("plan", lambda rng, half: code(rng, 3, 9) if half == "developed" else rng.choice([code(rng, 1, 8), digits(rng, "ddddddddd-dd")])),
    "mbi": ("plan", lambda rng, half: digits(rng, "D") + rng.choice("ACDEFGH") + digits(rng, "dd") + "-" + rng.choice("TVWX") + rng.choice("EFGH") + digits(rng, "d") + "-" + rng.choice("MNPQ") + rng.choice("KMNP") + digits(rng, "dd")),
    "account": ("account", pick({"developed": ["dddddddd", "dddd-dddd-dddd-dddd"], "held out": ["ACdddddddd", "dddd dddd dddd dddd"]})),
    "licence": ("licence", lambda rng, half: code(rng, 2 if half == "developed" else 1, 7)),
    "vin": ("vehicle", vin), "plate": ("vehicle", lambda rng, half: rng.choice([code(rng, 3, 4), digits(rng, "d") + code(rng, 3, 3)]) if half == "developed" else f"{code(rng, 3, 0)}-{digits(rng, 'dddd')}"),
    "serial": ("device", lambda rng, half: code(rng, 3, 6) if half == "developed" else f"{code(rng, 2, 2)}-{digits(rng, 'ddddd')}-{code(rng, 1, 1)}"),
    "mac": ("device", lambda rng, half: ":".join(f"{rng.randint(0, 255):02X}" for _ in range(6))),
    "url": ("url", lambda rng, half: f"https://portal.example.com/p/{digits(rng, 'dddddd')}" if half == "developed" else f"www.{surname(rng, half).lower().replace(chr(39), '')}family.example.org/{given(rng, half).lower()}"),
    "ip": ("ip", lambda rng, half: ".".join(str(rng.randint(1, 254)) for _ in range(4)) if half == "developed" else f"2001:db8:85a3::{rng.randint(4096, 65535):x}:{rng.randint(4096, 65535):x}"),
    "biometric": ("biometric", lambda rng, half: code(rng, 2, 5)), "photo": ("photo", lambda rng, half: f"IMG_{digits(rng, 'dddd')}.jpg" if half == "developed" else f"wound-{surname(rng, half).lower().replace(chr(39), '')}-{digits(rng, 'dd')}.png"),
    "accession": ("other", lambda rng, half: f"{code(rng, 1, 2)}-{digits(rng, 'ddddd')}" if half == "developed" else digits(rng, "ddddddddd")),
    "study": ("other", lambda rng, half: f"{code(rng, 3, 0)}-{digits(rng, 'dddd')}"),
}  # fmt: skip
JOINTS = [" ", " ", "\n", "\n\n"]
POOLS = {
    "developed": [
        "Patient Name: {full}    MRN: {mrn}    DOB: {born}", "Mr. {surname} is a 67-year-old man admitted on {day} with chest pain.",
        "{full} is a {old}-year-old woman with heart failure.", "She lives at {address}, {city}, IL {zip}.",
        "Her daughter {given} can be reached at {phone}.", "His wife, {given}, agreed with the plan.", "SSN: {ssn}.",
        "Social security number {ssn_plain} on file.", "E-mail: {email}", "Fax report to {fax}.", "Fax number: {fax}",
        "Dictated by: {full}, MD", "Attending: Dr. {surname}", "Dr. {full} was consulted.", "Seen with nurse {surname} today.",
        "Discussed with {full}, who agrees.", "Medicare number {mbi}.", "Insurance member ID: {plan}", "Account number: {account}",
        "Driver's license number {licence}.", "DEA number {licence} was used.", "The car, VIN {vin}, was totalled.",
        "License plate {plate} was noted by police.", "Pacemaker serial number {serial} was interrogated.", "Device MAC address {mac}.",
        "See {url} for the images.", "Logged in from IP address {ip}.", "Fingerprint ID {biometric} was enrolled.",
        "Photograph {photo} was added to the chart.", "Accession number: {accession}", "Enrolled as study subject {study}.",
        "Transferred from {hospital} on {day}.", "Follow-up with Dr. {surname} on {weekday}, {day}.", "Labs on {monthday} were normal.",
        "He was well until {holiday}, when he fell.", "Symptoms began in {monthname}.", "Resident of {county}.", "{listed}: call at {phone}.",
        "He moved from {city} two years ago.", "Page the resident at pager {pager}.", "PATIENT: {caps}", "Ms. {surname}'s sister {given} has asthma.",
        "Credit card {account} was charged.", "Signed electronically by {full} on {day}.",
        "Blood pressure 120/80, strength 5/5 in all limbs, pain 3/10.", "Crohn's disease and Parkinson disease are stable.",
        "Lipitor 20 mg daily, Tylenol as needed.", "A Foley catheter was placed.", "White count 11.2, platelets 250,000.",
        "No evidence of acute disease.", "She is 67 years old and lives alone.", "May need physical therapy.", "EF 55%, grade 2/6 murmur.",
        "Follow up in 3 months.", "Past Medical History: Hypertension, Diabetes Mellitus.",
    ],
    "held out": [
        "Re: {listed}, medical record no. {mrn}, born {born}.", "Thank you for referring Mrs. {surname}, whom I saw on {day}.",
        "This {old} y/o gentleman fell at home.", "Age: {old}. Lives alone.", "Home address is {address}, {city}, Ohio {zip}.",
        "Emergency contact: {full} (son), cell {phone}.", "Spoke with patient's brother {given} by phone at {phone}.",
        "The patient's SSN is {ssn}.", "Please write to {email} with results.", "Results were faxed to {fax}.", "FAX: {fax}",
        "cc: {full}, M.D.", "Electronically signed: {full}, RN", "{full} presented to the emergency department on {day}.",
        "Per Dr. {surname}, continue antibiotics.", "{surname} was counselled about smoking.", "Mr. and Mrs. {surname} attended.",
        "Policy #: {plan}", "MBI {mbi} verified.", "Billing acct {account} is overdue.", "Paid with Visa {account}.",
        "Nursing licence no. {licence} expired.", "Passport {licence} was copied.", "Vehicle identification number is {vin}.",
        "Plate number {plate}.", "Insulin pump S/N {serial} replaced.", "Implanted stent, lot {serial}.", "Monitor MAC {mac} reassigned.",
        "Family website: {url}", "Portal access from {ip} at noon.", "Retinal scan no. {biometric} stored.", "Picture {photo} shows the ulcer.",
        "Specimen ID {accession} received.", "Trial participant no. {study}.", "Admitted to {hospital}, discharged {day}.",
        "He grew up in {city} and worked in {city}.", "Next visit: {weekday} {day}.", "Seen again on {monthday} with fever.",
        "Her pain started around {holiday}.", "Since last {monthname} she has lost weight.", "Housing through {county} services.",
        "Call back ext. {pager}.", "NAME: {caps}", "My colleague {full} will follow.", "Neighbor {full} found him on the floor.",
        "{given} reports that she sleeps poorly.", "History obtained from her husband {given}.", "Interpreter: {full}",
        "BP 135/85, pulse 72, temp 37.2, SpO2 98%, GCS 15.", "Hodgkin lymphoma in remission; Wilson disease excluded.",
        "Started Xarelto 20 mg and Zoloft 50 mg nightly.", "Take 1/2 tablet twice daily for 10 days.", "Hemoglobin 9.8 g/dL, sodium 138.",
        "The lungs are clear bilaterally.", "He is a 45-year-old teacher.", "Motor strength 4/5 on the left.", "Apgar scores 8 and 9.",
        "Return in 2 weeks or sooner.", "Assessment and Plan: Community Acquired Pneumonia.",
    ],
    "held out later": [
        "DISCHARGE SUMMARY\nPt: {listed}  #{mrn}\nAdm: {day}  Disch: {day}", "Dear Dr. {surname},", "I had the pleasure of seeing {given} in clinic on {day}.",
        "{given} {surname} came in with her partner, {full}.", "The note was cosigned by {full}.", "On {weekday} he was found confused by his landlord, Mr. {surname}.",
        "She drove from {city} to be seen.", "His mailing address: {address}, {city}, TX {zip}.", "Both daughters ({given} and {given}) were present.",
        "Patient can be reached on his mobile, {phone}.", "Office {phone}, fax {fax}.", "Results to be sent to {email}.", "Social Security: {ssn}", "MRN# {mrn}",
        "Subscriber ID {plan}.", "Her Medicare card reads {mbi}.", "Guarantor account {account}.", "License no. {licence}", "Drives a van (VIN: {vin}), plate {plate}.",
        "Serial no. {serial} was recalled.", "Workstation MAC address: {mac}", "Images at {url}", "Accessed from {ip}.", "Iris scan ID: {biometric}", "Attached photo: {photo}.",
        "Accession # {accession}.", "Subject {study} withdrew consent.", "A {old}-year-old retired farmer.", "She will turn {old} this year.", "Prior care at {hospital}.",
        "Surgery is planned for {day}.", "Symptoms since {monthday}.", "Works night shifts since {monthname}.", "Case discussed with {full} of nephrology.",
        "Consult requested by {surname}.", "History per son {given}.", "{surname}, the charge nurse, was notified.", "Last seen {day} by {full}, NP.", "D.O.B. {born}", "He turned ill over {holiday}.",
        "Troponin 0.04, creatinine 1.2, eGFR > 60.", "Barrett esophagus on biopsy.", "Continue Eliquis and Lasix.", "Alert and oriented x 3.", "Abdomen soft, non-tender.",
        "Visual acuity 20/40 in both eyes.", "The Babinski sign is absent.", "He smokes 1/2 pack a day.",
    ],
}  # fmt: skip

GIVEN["held out later"] = [
    "Marisol",
    "Bogdan",
    "Tamika",
    "Yusuf",
    "Elspeth",
    "Lakshmi",
    "Dwayne",
    "Annika",
    "Joaquin",
    "Soledad",
    "Basil",
    "Iris",
]
SURNAME["held out later"] = [
    "Delacroix",
    "Mbeki",
    "Haverford",
    "Zielinski",
    "Ostrowski",
    "Chaudhary",
    "Blackwood",
    "Trinh",
    "Salazar",
    "Pope",
    "Barnes",
    "Love",
]
CITY["held out later"] = ["Duluth", "Natchez", "Amarillo", "Bakersfield", "Muskogee", "Ketchikan"]
STREET["held out later"] = ["Sycamore Grove Road", "State Route 66", "E 9th Ave", "Cherry Blossom Ln"]
HOSPITAL["held out later"] = [
    "Wexford County Hospital",
    "Cedars of Lebanon Clinic",
    "Pine Ridge Skilled Nursing Facility",
]
PHONE["held out later"] = ["(DDd)Ddd-dddd", "DDd Ddd dddd", "DDd-Ddd-dddd x ddd"]
