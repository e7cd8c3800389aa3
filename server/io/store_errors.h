// The kinds of what goes wrong in the store, for programs and for the answers to requests:
// :store-error, the program asked for what cannot be; :store-full, there is no room on the disk;
// :store-down, the store does not answer at present. The latter two pass.
#pragma once

#include "engine/base/result.h"
#include "server/store/store.h"

namespace sx {

// Of a commit or a read that was in order.
inline const char* store_down_kind(const Error& error) {
  return store::says_disk_full(error.message) ? "store-full" : "store-down";
}

inline const char* blob_error_kind(const Error& error) {
  return store::says_disk_full(error.message) ? "store-full" : "store-error";
}

}  // namespace sx
