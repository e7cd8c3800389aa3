// What the commands that work on an installation share: data folder, secret, store, blobs, and the
// application's configuration.
#pragma once

#include <memory>
#include <string>

#include "server/cli/cli.h"
#include "server/worker/isolate.h"

namespace sx::cli {

struct InstallationOptions {
  std::string data;   // folder; SX_PERSIST_DIR, ./data
  std::string store;  // URL; sqlite:DATA/store.db
  std::string app;    // module, .sxbc file or folder; blog/app
};

// Opened parts of one installation. Members are destroyed in reverse order.
struct Installation {
  std::string data;
  std::string secret;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::BlobStore> blobs;
  std::unique_ptr<PasswordPool> passwords;
  std::unique_ptr<StaticFiles> static_files;
  AppConfig app;
};

// Environment variable, or the default when unset or empty.
std::string env_or(const char* name, const std::string& fallback);

// Fills in what the environment says, then opens everything.
Result<std::unique_ptr<Installation>> open_installation(InstallationOptions options);

int cmd_user_add(const InstallationOptions& options, const std::string& name);
int cmd_store_verify(const InstallationOptions& options, bool json);
int cmd_store_stats(const InstallationOptions& options, bool json);
int cmd_blog_import(const InstallationOptions& options, const std::string& dir, bool dry_run);

}  // namespace sx::cli
