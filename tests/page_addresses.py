"""Addresses of pages of every kind, each with its heading where that is fixed."""

_ISP = "/id/implementation-support"
PAGES = {
    "/": "Competency frameworks as one graph",
    _ISP: "Consolidated ISP competency framework",
    _ISP + "/competency/ce-brokering": "Brokering",
    _ISP + "/element/ce-brokering-s1": "Introduce and link people with shared problems",
    _ISP + "/indicator/ce-brokering-emerging": "Brokering: emerging",
    _ISP + "/role/knowledge-broker": "Knowledge broker",
    _ISP + "/requirement/knowledge-broker-ce-brokering": "Knowledge broker needs Brokering",
    _ISP + "/outcome/adoption": "Adoption",
    _ISP + "/claim/026": None,
    _ISP + "/source/bornbaum-2015": "Bornbaum et al. 2015",
    _ISP + "/activity/community-of-practice": "Community of practice",
    _ISP + "/level/3-competent": "Competent",
    _ISP + "/assessment/a-peer": None,
    _ISP + "/role/knowledge-broker?revision=1": "Knowledge broker",
    "/ns": "Vocabulary",
    "/shapes": "Rules",
    "/docs/rules": "Rules",
    "/docs/errors": "Errors",
    "/docs/query": "Asking in SPARQL",
    "/changes": "Changes",
    "/changes/1": "Change 1",
    "/changes?thing=https%3A%2F%2Fw3id.org%2Fcompetency-graph%2Fid%2Fimplementation-support"
    "%2Frole%2Fknowledge-broker": "Knowledge broker",
    "/changes?graph=https%3A%2F%2Fexample.org%2Fnothing": "example.org/nothing",
    "/validate": "Check before you send",
    "/sparql": "Ask in SPARQL",
    "/sparql?query=SELECT%20%2A%20%7B%20%3Fs%20%3Fp%20%3Fo%20%7D%20LIMIT%2020": "Ask in SPARQL",
    "/sign-in?back=%2Fns": "Sign in",
    "/ontology/role": "Roles and what they require",
    "/graph/implementation-support": "Implementation support framework",
    "/graph/shapes-house": "shapes-house",
    "/id?iri=http%3A%2F%2Fwww.w3.org%2F2004%2F02%2Fskos%2Fcore%23broader": "broader",
}
# What a browser sends: its last type is more specific than text/html, and liked less.
BROWSER = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)
