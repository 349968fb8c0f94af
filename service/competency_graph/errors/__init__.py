"""Every error that a person or a program may meet, as one tree. Holds no logic beyond wording.

CompetencyGraphError                    code                 status  exit
├── BadRequest                          bad-request             400     2
│   ├── UnknownParameter                unknown-parameter       400     2
│   ├── BadQuery                        bad-query               400     2
│   ├── TooDeep                         too-deep                400     2
│   ├── QueryTooLong                    query-too-long          400     2
│   ├── OutboundRefused                 outbound-refused        400     2
│   ├── UnreadableInput                 unreadable-input        400     2
│   ├── BadLiteral                      bad-literal             400     2
│   └── InvalidShapes                   invalid-shapes          400     2
├── BadSetting                          bad-setting             500     2
├── Unauthorised                        unauthorised            401     4
├── Forbidden                           forbidden               403     4
├── NotFound                            not-found               404     2
├── Ambiguous                           ambiguous               300     2
├── MethodNotAllowed                    method-not-allowed      405     2
├── NotAcceptable                       not-acceptable          406     2
├── PreconditionFailed                  precondition-failed     412     1
├── TooSlow                             too-slow                408     2
├── TooLarge                            too-large               413     2
├── AddressTooLong                  address-too-long        414     2
├── UnsupportedMediaType                unsupported-media-type  415     2
├── RangeNotSatisfiable                 range-not-satisfiable   416     2
├── StaleHead                           stale-head              409     1
├── StillInGraph                        still-in-graph          409     1
├── Redacted                            redacted                410     2
├── InvalidChange                       invalid-change          422     1
├── WouldRemove                         would-remove            409     1
├── ServiceFailed                       service-failed          502     3
│   └── ServiceTooLarge                 service-too-large       502     1
├── TooManyRequests                     too-many-requests       429     3
├── HeadTooLarge                    head-too-large          431     2
├── ClientLeft                          client-left             499     1
├── LimitReached                        limit-reached           503     1
├── Unavailable                         unavailable             503     3
├── UnusableDatabase                    unusable-database       500     2
│   └── StorageFull                     storage-full            507     2
└── InternalError                       internal-error          500     2
"""

from competency_graph.errors.base import (
    CompetencyGraphError,
)
from competency_graph.errors.changes import (
    InvalidChange,
    Redacted,
    StaleHead,
    StillInGraph,
    WouldRemove,
)
from competency_graph.errors.requests import (
    AddressTooLong,
    Ambiguous,
    BadLiteral,
    BadQuery,
    BadRequest,
    Forbidden,
    HeadTooLarge,
    InvalidShapes,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    OutboundRefused,
    PreconditionFailed,
    QueryTooLong,
    RangeNotSatisfiable,
    TooDeep,
    TooLarge,
    TooSlow,
    Unauthorised,
    UnknownParameter,
    UnreadableInput,
    UnsupportedMediaType,
)
from competency_graph.errors.service import (
    BadSetting,
    ClientLeft,
    InternalError,
    Limit,
    LimitReached,
    ServiceFailed,
    ServiceTooLarge,
    StorageFull,
    TooManyRequests,
    Unavailable,
    UnusableDatabase,
)

__all__ = [
    "AddressTooLong",
    "Ambiguous",
    "BadLiteral",
    "BadQuery",
    "BadRequest",
    "BadSetting",
    "ClientLeft",
    "CompetencyGraphError",
    "Forbidden",
    "HeadTooLarge",
    "InternalError",
    "InvalidChange",
    "InvalidShapes",
    "Limit",
    "LimitReached",
    "MethodNotAllowed",
    "NotAcceptable",
    "NotFound",
    "OutboundRefused",
    "PreconditionFailed",
    "QueryTooLong",
    "RangeNotSatisfiable",
    "Redacted",
    "ServiceFailed",
    "ServiceTooLarge",
    "StaleHead",
    "StillInGraph",
    "StorageFull",
    "TooDeep",
    "TooLarge",
    "TooManyRequests",
    "TooSlow",
    "Unauthorised",
    "Unavailable",
    "UnknownParameter",
    "UnreadableInput",
    "UnsupportedMediaType",
    "UnusableDatabase",
    "WouldRemove",
]
