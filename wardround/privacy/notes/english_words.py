"""Words around names and places in English notes."""


def _of(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES = _of(
    "mr mrs ms miss mister madam dr drs doctor prof professor nurse sister rev reverend father fr pastor rabbi imam judge "
    "officer sgt sergeant capt captain lt lieutenant col colonel detective attorney sir dame chaplain dean"
)
LABELS = _of(
    "name patient pt attending physician provider pcp surgeon referring dictated signed author transcriptionist transcribed "
    "resident intern nurse mother father spouse guardian contact kin relationship doctor consultant radiologist reader "
    "technologist technician witness assistant anesthesiologist anesthetist clinician therapist pharmacist cosigned "
    "cosigner reviewed approved interpreted recipient cc from to re attn attention daughter son wife husband caller "
    "interviewer interpreter informant caregiver proxy emergency surname forename firstname lastname first last midwife "
    "pathologist cardiologist by electronically operator employer alias aka subject"
)
RELATIVES = _of(
    "wife husband son daughter mother father mom dad mum brother sister friend neighbor neighbour partner caregiver caretaker "
    "aunt uncle niece nephew cousin grandson granddaughter grandmother grandfather grandma grandpa fiance fiancee spouse "
    "girlfriend boyfriend roommate stepfather stepmother stepson stepdaughter guardian landlord coworker colleague boss "
    "employer aide companion ex-wife ex-husband twin in-law mother-in-law son-in-law daughter-in-law father-in-law "
    "brother-in-law sister-in-law child baby boy girl infant parent parents sons daughters children siblings widow widower"
)
CALLED = _of("named called name's goes nicknamed alias aka née nee")
BY = _of(
    "by with called contacted phoned paged informed notified told asked per from thank thanks dear contact phone met saw "
    "consulted attn cc regards sincerely tell notify call ask see seen accompanied seeing discussed reviewed signed spoke"
)
CREDENTIALS = _of(
    "md m.d do d.o rn r.n np n.p pa pa-c pac lpn phd ph.d dds dmd mbbs mbchb facc facs faap frcs frcp mrcp msw lcsw pt ot rd "
    "pharmd dpm crna cnm aprn fnp arnp dnp bsn msn esq jr sr ii iii iv ccrn rrt cna ma emt"
)
PARTICLES = _of("de da do dos del della di du van von der den la le el al bin ibn bint ben ter ten st abu y")
NEVER = _of(
    "i a he she it they we you his her their our my your this that these those the an and or but if of in on at to for from by "
    "with as is was are were be been has have had will would could should may might can do does did not no yes who whom "
    "which what when where why how there here then than so such any all both each few more most other some own same too "
    "very just also only patient pt mr mrs ms dr unknown none na denies reports states daily twice bid tid qid prn po iv im "
    "am pm today yesterday tomorrow"
)
EPONYMS = _of(
    "parkinson parkinsons alzheimer alzheimers crohn crohns hodgkin hodgkins foley babinski romberg murphy murphys mcburney "
    "trendelenburg doppler holter swan ganz glasgow apgar raynaud sjogren addison cushing graves hashimoto wilson marfan "
    "turner down ehlers danlos guillain barre huntington kaposi wernicke korsakoff bell colles baker paget wegener behcet "
    "kawasaki tourette barrett meckel hirschsprung whipple billroth roux nissen hartmann kocher mallory weiss charcot marie "
    "tooth duchenne becker brugada wolff parkinson white lown epworth braden morse gleason breslow clark ann arbor child "
    "pugh killip nyha ranson apache hemovac jackson pratt penrose jp hickman groshong broviac kerlix steri strips tegaderm "
    "ace cobb bartholin skene peyronie dupuytren baker lachman mcmurray phalen tinel kernig brudzinski osler janeway roth "
    "virchow gram coombs papanicolaou pap kirschner steinmann ilizarov lisfranc jones monteggia galeazzi salter harris "
    "cheyne stokes kussmaul biot hering lewy creutzfeldt jakob pick waldenstrom burkitt wilms ewing ommaya rathke luschka "
    "dix hallpike epley lyme ebola west nile zika lhermitte hoffman hoffmann hirschberg weber rinne snellen amsler ishihara "
    "goldmann humphrey schiotz tanner bishop valsalva heimlich fowler sims lithotomy gi gu ent icu"
)
DRUGS = _of(
    "lipitor crestor zocor xarelto eliquis coumadin plavix lasix norvasc zestril prinivil lopressor toprol coreg cozaar diovan "
    "synthroid lantus humalog novolog metformin glucophage januvia jardiance farxiga ozempic trulicity victoza tylenol advil "
    "motrin aleve percocet vicodin norco oxycontin dilaudid ultram neurontin lyrica zoloft prozac lexapro celexa paxil cymbalta "
    "effexor wellbutrin xanax ativan klonopin valium ambien seroquel zyprexa risperdal abilify haldol depakote keppra dilantin "
    "tegretol lamictal topamax aricept namenda sinemet zofran reglan protonix prilosec nexium pepcid zantac colace senna miralax "
    "dulcolax augmentin amoxil zithromax levaquin cipro bactrim keflex rocephin zosyn vancomycin flagyl diflucan valtrex tamiflu "
    "humira enbrel remicade rituxan herceptin avastin keytruda opdivo lovenox heparin aspirin prednisone medrol solumedrol "
    "albuterol ventolin proair advair symbicort spiriva singulair flonase claritin zyrtec allegra benadryl atrovent combivent "
    "duoneb insulin levothyroxine lisinopril amlodipine atorvastatin simvastatin warfarin furosemide gabapentin omeprazole "
    "sertraline losartan hydrochlorothiazide metoprolol tramadol oxycodone hydrocodone acetaminophen ibuprofen clopidogrel "
    "apixaban rivaroxaban pantoprazole famotidine ondansetron ceftriaxone azithromycin doxycycline ciprofloxacin levofloxacin "
    "piperacillin tazobactam meropenem cefepime linezolid fluconazole acyclovir enoxaparin dabigatran digoxin amiodarone "
    "carvedilol spironolactone tamsulosin finasteride donepezil memantine levodopa carbidopa escitalopram duloxetine "
    "quetiapine olanzapine risperidone lorazepam clonazepam zolpidem methotrexate adalimumab rituximab ensure jevity ringer"
)
AFTER_EPONYM = _of(
    "disease syndrome sign test procedure catheter lymphoma tumor tumour sarcoma scale score classification criteria index "
    "maneuver reflex fracture contracture phenomenon esophagus diverticulum tube drain palsy chorea cyst thyroiditis dementia "
    "encephalopathy pattern sounds respiration stain view position series line wire screw plate staging stage grade grading "
    "virus fever anemia's monitor ulcer nodes lines spots body bodies stage lesion gland duct line artery vein muscle nerve count counts cell cells matter"
)
PLACE_VERBS = (
    "lives in|lived in|living in|lives at|living at|lives near|resides in|resides at|residing at|residing in|resident of|"
    "residence in|born in|raised in|grew up in|moved to|moved from|relocated to|relocated from|native of|originally from|"
    "is from|comes from|came from|emigrated from|immigrated from|traveled to|travelled to|travel to|trip to|travels to|"
    "returned from|visiting|visited|vacation in|vacation to|flew to|flew from|drove from|transferred from|transferred to|"
    "transported from|works at|works for|worked at|worked for|employed at|employed by|working at|working for|"
    "works in|worked in|retired from|volunteers at|attends|student at|teaches at|studies at|located in|located at|stationed "
    "in|stationed at|deployed to|home in|house in|farm in|farm near|shelter in|shelter at|stays at|staying at|followed at|seen at|"
    "admitted to|discharged to|referred to|clinic in|hospital in|office in|town of|city of|village of|county of|accident in|accident on|"
    "found at|picked up at|picked up in|address is|address|city|residence|county|town|employer|place of birth|hometown"
)
STATES = _of(
    "alabama alaska arizona arkansas california colorado connecticut delaware florida georgia hawaii idaho illinois indiana iowa "
    "kansas kentucky louisiana maine maryland massachusetts michigan minnesota mississippi missouri montana nebraska nevada "
    "hampshire jersey mexico carolina dakota ohio oklahoma oregon pennsylvania rhode tennessee texas utah vermont virginia "
    "washington wisconsin wyoming america american usa china india canada england france germany italy spain japan korea "
    "vietnam brazil russia africa europe asia australia ireland scotland poland ukraine nigeria ghana kenya haiti cuba "
    "english spanish french german italian chinese japanese korean vietnamese arabic russian portuguese hispanic latino "
    "caucasian asian african european mexican indian medicare medicaid covid"
)
STATE_CODES = "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]|PR"
STREETS = (
    "Street|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Way|Terrace|Ter|Circle|Cir|Highway|Hwy|"
    "Parkway|Pkwy|Square|Sq|Trail|Trl|Alley|Row|Crescent|Close|Loop|Path|Pike|Turnpike|Route|Plaza|Heights|Ridge|Run|Hill|Walk|"
    "Gardens|Grove|Mews|Bend|Crossing|Point|Landing|Commons"
)
INSTITUTIONS = (
    "Hospital|Medical Center|Medical Centre|Health Center|Health Centre|Health System|Healthcare|Clinic|Nursing Home|"
    "Rehabilitation Center|Rehab Center|Rehab|Rehabilitation|Hospice|Elementary School|Middle School|High School|School|University|"
    "College|Academy|Church|Temple|Mosque|Synagogue|Shelter|Prison|Jail|Penitentiary|Assisted Living|Manor|Infirmary|"
    "Skilled Nursing Facility|Care Center|Medical Group|Physicians|Institute|Surgery Center|Cancer Center|Senior Living|Living Center|Retirement "
    "Community|Village|Apartments|Company|Corporation|Corp|Inc|LLC|Industries|Factory|Foods|Motors|Logistics|Airlines|Bank|Hotel|Inn|"
    "Restaurant|Police Department|Fire Department|County|Parish|Township|Borough|Pharmacy|Dialysis|Imaging|Laboratories|Beach|"
    "Lake|Park|River|Island|Valley|Springs|Falls|Harbor|Mall|Airport|Station|Base|Fort|Farm|Farms|Ranch"
)
GENERIC = _of(
    "the this that a an our your his her their my local outside another same community general regional state county city private public "
    "rehab rehabilitation skilled nursing acute care primary university teaching veterans outpatient inpatient urgent emergency "
    "surgical medical pain wound sleep heart cancer eye dental family women's children's pediatric psychiatric mental behavioral "
    "health home long term assisted and of to from in at for with by or on via today elementary middle high no is was discharge hospital "
    "bank blood water swimming retirement transferred admitted seen followed presented came went cardiac radiology imaging"
)
DOES = _of(
    "reports reported states stated says said denies denied complains complained presented presents was has had is lives called "
    "notes admits feels felt agreed agrees returns returned underwent told asked wants understands takes smokes drinks works fell"
)
NO_PERSON = NEVER | _of(
    "pain patient head foot back hand long young heart skin mother father son baby plan care history family church case may "
    "will day week ward page price person major minor light little small large best good new old early true love power sharp "
    "child love stool love diet bone ball brown black white green gray red blue field cross north south east west english "
    "german french rest may june march april august sunday monday friday dear sir weight height speech strength gait vision mood "
    "chest neck temple lung brain abdomen fever cough bowel sleep appetite there here exam"
)
CHART = _of(
    "troponin hgb hct adm disch admit sodium hemoglobin hematocrit platelets bilirubin creatinine albumin lipase amylase lactate procalcitonin ferritin transferrin fibrinogen haptoglobin reticulocyte neutrophils lymphocytes eosinophils monocytes basophils ldl hdl tsh psa inr ptt bnp egfr bun alt ast esr crp abg vbg csf ua echo tte tee ct pet dexa eeg emg nstemi stemi copd chf cad dvt uti gerd bph dvts afib tele npo mews sofa cvs cns heent perrla eomi rrr ctab nad jvd msk derm neuro resp abd ext psych hpi ros pmh psh fhx shx meds allergies nkda dispo prn bipap cpap picc "
    " plt voiceprint fax email e-mail accession addendum cc re dob mrn ssn zip url ip vin udi covid spo wbc rbc cxr mri ekg ecg a1c telehealth "
    "voicemail inpatient outpatient rehab radiograph echocardiogram sonogram dialysate nonsmoker nontender afebrile "
    "normocephalic atraumatic anicteric normoactive postoperative preoperative intraoperative hemodialysis microbiology "
    "pathologist internet website wifi bluetooth whatsapp facebook instagram twitter skype zoom mychart facetime"
)
WEAK_TITLES = _of("nurse sister father mother judge officer doctor attorney dean dame sir fr col lt madam ms ")
NOT_AGAIN = _of("january february march april may june july august september october november december will mark can ")
WARDS = _of(
    "emergency department room floor unit ward icu ed er or pacu nicu picu micu sicu surgery cardiology neurology "
    "oncology orthopedics medicine service clinic hospital radiology center pod bed home hospice "
)
