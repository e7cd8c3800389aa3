// crypto/*, content/* and blob/* ops over the server's libraries.
#pragma once

#include <string>

#include "engine/io/runner.h"
#include "server/crypto/password.h"
#include "server/io/persist_servicer.h"
#include "server/store/blobs.h"

namespace sx {

struct ContentServices {
  std::string root_secret;            // 32 bytes: keys per purpose are derived from it
  PasswordPool* passwords = nullptr;  // null: hashed on the spot (commands)
  store::BlobStore* blobs = nullptr;
  PostToVm post;  // needed with passwords
};

void add_content_servicers(Runner& runner, const ContentServices& services);

}  // namespace sx
