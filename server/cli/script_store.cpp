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
#include "server/store/pg_store.h"
#include "server/store/store.h"

namespace sx::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kSqlite = "sqlite:";
constexpr std::string_view kPostgres = "postgres";
constexpr std::string_view kUnsafe = "unsafe-no-sync";

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
    base_ = url;
    if (const std::size_t at = base_.find(kUnsafe); at != std::string::npos && at > 0) {
      base_.erase(at - 1, kUnsafe.size() + 1);
      // It may have been the first of several.
      if (const std::size_t next = base_.find('&');
          base_.find('?') == std::string::npos && next != std::string::npos)
        base_[next] = '?';
      unsafe_ = true;
    }
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
      url_ = str(kSqlite, folder_, "/", count_, ".db", unsafe_ ? "?" : "", unsafe_ ? kUnsafe : "");
    } else if (base_.starts_with(kPostgres)) {
      schema_ = str("sx_test_", static_cast<std::int64_t>(::getpid()), "_", count_);
      SX_CHECK(store::run_on_pg(base_, str("CREATE SCHEMA ", schema_)));
      url_ = str(base_, base_.find('?') == std::string::npos ? "?" : "&",
                 "options=-csearch_path%3D", schema_, unsafe_ ? "&" : "", unsafe_ ? kUnsafe : "");
    } else {
      url_ = base_;  // memory:, or what open_store() says is wrong with it
    }
    return open_here();
  }
  // As a restart of the process would: everything that is only in memory is lost.
  Result<void> reopen() {
    if (base_ == "memory:") return {};
    store_->close();
    return open_here();
  }
  // A store that was closed stays as it is until there is another one: servicers refer to it.
  Result<void> open_here() {
    SX_TRY(auto opened, store::open_store(url_, {.allow_unsafe = true}));
    SX_TRY(auto blobs, store::BlobStore::open(str(folder_, "/", count_, ".blobs")));
    store_ = std::move(opened);
    blobs_ = std::make_unique<store::BlobStore>(std::move(blobs));
    add_persist_servicers(*runner_, *store_, {});
    add_blob_servicers(*runner_, *blobs_);
    return {};
  }
  void drop() {
    if (store_) store_->close();
    std::error_code ec;
    const std::string name = str(folder_, "/", count_);
    for (const char* ending : {".db", ".db-wal", ".db-shm", ".db.lock", ".blobs"})
      fs::remove_all(name + ending, ec);
    // What cannot be dropped stays, under a name of its own.
    if (!schema_.empty()) (void)store::run_on_pg(base_, str("DROP SCHEMA ", schema_, " CASCADE"));
    schema_.clear();
  }

  std::string base_, folder_, url_, schema_;
  bool unsafe_ = false;
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
