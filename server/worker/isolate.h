// An isolate: one worker's engine with an application in it, answering HTTP requests. A request is
// a fiber; what it performs parks that fiber only.
//
// The application is a module that exports FOLDER/make-app (config → handler), and may export
// FOLDER/setup (config → anything), which runs once before the workers start. The handler takes
// {:method :target :path :query :headers :body :remote :scheme :host :id} (header names in lower
// case, strings as keys; body a string, or bytes when it is not UTF-8; with :form in its place for
// one that is a multipart form, see forms.h) and answers {:status
// :headers :set-cookies :body}, with {:stream (fn (id) …)} instead of the body for one that is made
// while it is sent (streams.h), {:websocket (fn (socket) …)} (sockets.h), {:blob cid}
// (blob_answer.h), or {:file "path"} to have a static file served.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/sx.h"
#include "server/client/http_client.h"
#include "server/crypto/password.h"
#include "server/files/static_files.h"
#include "server/http/http.h"
#include "server/io/content_servicer.h"
#include "server/store/blobs.h"
#include "server/store/store.h"
#include "server/worker/system_routes.h"

namespace sx {

struct AppConfig {
  std::string app_module = "blog/app";  // exports <folder>/make-app
  // Makes an engine with the module roots and bundles of the command line.
  std::function<std::unique_ptr<Engine>()> make_engine;
  store::Store* store = nullptr;
  store::BlobStore* blobs = nullptr;
  PasswordPool* passwords = nullptr;
  HttpClient* http_client = nullptr;
  StaticFiles* static_files = nullptr;
  std::vector<std::string> root_secrets;  // see ContentServices
  // What the program sees as its configuration: a dict of strings with keyword keys.
  std::vector<std::pair<std::string, std::string>> settings;
  std::int64_t request_fuel_max = 400'000'000;
  SystemRoutes system;
  std::function<void(const std::string&)> log;  // one line, any thread
  // Told once per worker, on its thread, when its application is made or could not be.
  std::function<void(Result<void>)> on_ready;
};

// An engine with the application loaded and every op serviced. post: see PostToVm.
Result<std::unique_ptr<Engine>> make_app_engine(const AppConfig& config, PostToVm post);

// Calls FOLDER/NAME with the settings and `extra` in one dict, to its end. Null if not exported.
Result<Value> call_app(Engine& engine, const AppConfig& config, std::string_view name,
                       const std::vector<std::pair<std::string, std::string>>& extra);

// The handler of one worker.
Result<Handler> make_isolate(Worker& worker, const AppConfig& config);

}  // namespace sx
