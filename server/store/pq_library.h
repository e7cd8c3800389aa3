// PostgreSQL's client library, libpq, loaded when the first PostgreSQL store is opened: it brings a
// dozen libraries along, which every start of `sx` would pay for otherwise.
#pragma once

#include <libpq-fe.h>

#include "engine/base/result.h"

namespace sx::store {

struct PqLibrary {
// clang-format off
#define SX_PQ_FUNCTIONS(X)                                                                      \
  X(PQconnectdbParams)                                                                          \
  X(PQfinish)                                                                                   \
  X(PQstatus)                                                                                   \
  X(PQerrorMessage)                                                                             \
  X(PQparameterStatus)                                                                          \
  X(PQprepare) X(PQexec) X(PQexecPrepared) X(PQsendQueryPrepared) X(PQsendQueryParams)          \
      X(PQgetResult) X(PQclear) X(PQresultStatus) X(PQresultErrorField) X(PQresultErrorMessage) \
          X(PQntuples) X(PQgetvalue) X(PQgetlength) X(PQgetisnull) X(PQcmdTuples)               \
              X(PQenterPipelineMode) X(PQexitPipelineMode) X(PQpipelineSync) X(PQconninfoParse) \
                  X(PQconninfoFree) X(PQfreemem) X(PQsetNoticeProcessor) X(PQtransactionStatus)
// clang-format on
#define X(name) decltype(&::name) name = nullptr;
  SX_PQ_FUNCTIONS(X)
#undef X
};

// The same one for all, from the first call on; or why there is none and what to install.
Result<const PqLibrary*> pq_library();

}  // namespace sx::store
