// The store behind `sx run --store URL` and `sx test --store URL`.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "engine/base/str.h"
#include "engine/value/collections.h"
#include "server/cli/app_host.h"
#include "server/io/content_servicer.h"
#include "server/io/persist_servicer.h"
#include "server/store/blobs.h"
#include "server/store/store.h"

namespace sx::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kSqlite = "sqlite:";

// `sx run`: the store that the URL names, for as long as the program runs. Its blobs lie where the
// server keeps them: beside the SQLite file, or below SX_PERSIST_DIR.
class RunStore : public ScriptStore {
 public:
  ~RunStore() override {
    if (store_) store_->close();
  }
  Result<void> open(const std::string& url) {
    SX_TRY(store_, store::open_store(url, {.allow_unsafe = true}));
    std::string folder = env_or("SX_PERSIST_DIR", "");
    if (url.starts_with(kSqlite)) {
      const std::string path = url.substr(kSqlite.size(), url.find('?') - kSqlite.size());
      folder = fs::absolute(path).parent_path().string();
    }
    if (folder.empty()) return {};
    SX_TRY(auto blobs, store::BlobStore::open((fs::path(folder) / "blobs").string()));
    blobs_ = std::make_unique<store::BlobStore>(std::move(blobs));
    return {};
  }
  Result<void> serve(Runner& runner) override {
    add_persist_servicers(runner, *store_, {});
    if (blobs_) add_blob_servicers(runner, *blobs_);
    return {};
  }

 private:
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::BlobStore> blobs_;
};

// `sx test`: stores of the kind that the URL names, each empty when a test gets it (the op
// test/store), and gone after the run. What exists is never touched.
class TestStore : public ScriptStore {
 public:
  ~TestStore() override {
    drop();
    std::error_code ec;
    if (!folder_.empty()) fs::remove_all(folder_, ec);
  }
  Result<void> open(const std::string& url) {
    const std::size_t options = url.find('?');
    base_ = url.substr(0, options);
    if (options != std::string::npos) options_ = url.substr(options);
    fs::path parent = fs::temp_directory_path();
    if (base_.starts_with(kSqlite) && base_.size() > kSqlite.size()) {
      parent = base_.substr(kSqlite.size());
      std::error_code ec;
      fs::create_directories(parent, ec);
    }
    std::string name = (parent / "sx-test-store-XXXXXX").string();
    if (!::mkdtemp(name.data()))
      return Error{str(parent.string(),
                       ": no folder for the stores of the tests can be made here: give sqlite:DIR "
                       "with a DIR that can be written to")};
    folder_ = name;
    return {};
  }
  Result<void> serve(Runner& runner) override {
    runner_ = &runner;
    runner.add("test/store", [this](IoCall& call) {
      const Value wanted = call.arg(0);
      Context& cx = call.vm.cx;
      const bool fresh = wanted == cx.keyword("fresh");
      if (!fresh && wanted != cx.keyword("reopen"))
        return call.fail("type-error", "test/store: Expected :fresh or :reopen");
      const Result<void> done = fresh ? renew() : reopen();
      if (!done.ok()) return call.fail("store-error", done.error().message);
      call.reply(Value::nil());
    });
    return renew();
  }

 private:
  Result<void> renew() {
    drop();
    ++count_;
    if (base_.starts_with(kSqlite)) {
      url_ = str(kSqlite, folder_, "/", count_, ".db", options_);
    } else if (base_ == "memory:") {
      url_ = base_;
    } else {
      url_ = str(base_, options_, options_.empty() ? "?" : "&", "schema=sx_test_",
                 static_cast<std::int64_t>(::getpid()), "_", count_);
    }
    return reopen();
  }
  // As a restart of the process would: everything that is only in memory is lost.
  Result<void> reopen() {
    if (store_ && base_ == "memory:") return {};
    if (store_) store_->close();  // stays, closed, in case that opening fails
    SX_TRY(auto opened, store::open_store(url_, {.allow_unsafe = true}));
    store_ = std::move(opened);
    SX_TRY(auto blobs, store::BlobStore::open(str(folder_, "/", count_, ".blobs")));
    blobs_ = std::make_unique<store::BlobStore>(std::move(blobs));
    add_persist_servicers(*runner_, *store_, {});
    add_blob_servicers(*runner_, *blobs_);
    return {};
  }
  void drop() {
    if (store_) store_->close();
    store_.reset();
    blobs_.reset();
    std::error_code ec;
    const std::string name = str(folder_, "/", count_);
    for (const char* ending : {".db", ".db-wal", ".db-shm", ".db.lock", ".blobs"})
      fs::remove_all(name + ending, ec);
  }

  std::string base_, options_, folder_, url_;
  int count_ = 0;
  Runner* runner_ = nullptr;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::BlobStore> blobs_;
};

template <class Kind>
Result<std::unique_ptr<ScriptStore>> opened(const std::string& url) {
  auto made = std::make_unique<Kind>();
  SX_CHECK(made->open(url));
  return std::unique_ptr<ScriptStore>(std::move(made));
}

}  // namespace

Result<std::unique_ptr<ScriptStore>> open_script_store(const std::string& url, StoreUse use) {
  return use == StoreUse::Test ? opened<TestStore>(url) : opened<RunStore>(url);
}

}  // namespace sx::cli
