// crypto/*, content/* and blob/* ops over the server's libraries.
#pragma once

#include <string>
#include <vector>

#include "engine/io/runner.h"
#include "server/crypto/password.h"
#include "server/io/persist_servicer.h"
#include "server/store/blobs.h"

namespace sx {

struct ContentServices {
  // 32 bytes each, at least one: keys per purpose are derived from them. The first signs, all
  // verify.
  std::vector<std::string> root_secrets;
  PasswordPool* passwords = nullptr;  // null: hashed on the spot (commands)
  store::BlobStore* blobs = nullptr;
  PostToVm post;  // needed with passwords
};

void add_content_servicers(Runner& runner, const ContentServices& services);
// blob/* alone; blobs outlives the runner.
void add_blob_servicers(Runner& runner, store::BlobStore& blobs);

}  // namespace sx
