#include "server/worker/forms.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/value/collections.h"
#include "server/http/multipart.h"
#include "server/io/http_values.h"
#include "server/store/store.h"

namespace sx {
namespace {

constexpr std::size_t kFieldBytesMax = 4 * 1024 * 1024;

struct FormLimits {
  bool to_blobs = false;
  std::uint64_t file_bytes_max = 0;
  std::uint64_t body_bytes_max = 0;
  MultipartLimits parts;
};

struct FormFile {
  std::string field;
  PartHead head;
  std::uint64_t size = 0;
  std::string bytes;                      // kept in memory, or
  std::optional<store::BlobWriter> blob;  // on its way, then
  store::BlobRef ref;
};

}  // namespace

bool is_multipart_form(const HttpRequest& head) {
  const std::string* type = head.header("content-type");
  return type && multipart_boundary(*type).has_value();
}

// One form: from the first form/read to its answer, which is kept for the next.
class Forms::Reading : public PartSink, public std::enable_shared_from_this<Forms::Reading> {
 public:
  Reading(Runner& runner, store::BlobStore* blobs, BodyReader reader, std::string content_type)
      : runner_(runner),
        blobs_(blobs),
        reader_(std::move(reader)),
        boundary_(multipart_boundary(content_type).value_or("")) {}

  void read(const FormLimits& limits, const IoTicket& ticket) {
    if (answer_) return ticket.reply(answer_->get());
    waiting_.push_back(ticket);
    if (parser_) return;
    limits_ = limits;
    parser_.emplace(boundary_, limits_.parts, *this);
    if (boundary_.empty()) return fail({400, "the multipart form names no boundary"});
    go_on();
  }

  // Its request is over: what waits is not called any more.
  void end() {
    ended_ = true;
    waiting_.clear();
    files_.clear();
    reader_ = {};
  }

 private:
  void go_on() {
    reader_.read([self = shared_from_this()](const BodyPiece& piece) { self->take(piece); });
  }

  void take(const BodyPiece& piece) {
    if (ended_ || answer_) return;
    switch (piece.kind) {
      case BodyPiece::Kind::Bytes:
        body_bytes_ += piece.bytes.size();
        if (body_bytes_ > limits_.body_bytes_max)
          return fail({413, str("the form is larger than ", limits_.body_bytes_max, " bytes")});
        if (!parser_->put(piece.bytes)) return fail(parser_->refusal());
        return go_on();
      case BodyPiece::Kind::End:
        if (!parser_->finish()) return fail(parser_->refusal());
        return succeed();
      case BodyPiece::Kind::Refused:
        return fail({piece.status, std::string(piece.why)});
      case BodyPiece::Kind::Gone:
        return fail({400, "the form did not arrive whole"});
    }
  }

  std::optional<Refusal> begin_part(const PartHead& head) override {
    is_file_ = head.filename.has_value();
    if (!is_file_) {
      fields_.emplace_back(head.name, std::string());
      return std::nullopt;
    }
    FormFile file;
    file.field = head.name;
    file.head = head;
    if (limits_.to_blobs) {
      auto writer = blobs_->writer(std::min(limits_.file_bytes_max, store::BlobStore::kBytesMax));
      if (!writer.ok()) return storage_failure(writer.error());
      file.blob.emplace(writer.take());
    }
    files_.push_back(std::move(file));
    return std::nullopt;
  }

  std::optional<Refusal> part_data(std::string_view piece) override {
    if (!is_file_) {
      auto& [name, text] = fields_.back();
      if (text.size() + piece.size() > kFieldBytesMax)
        return Refusal{413, str("the field ", name, " is larger than ", kFieldBytesMax, " bytes")};
      text += piece;
      return std::nullopt;
    }
    FormFile& file = files_.back();
    file.size += piece.size();
    if (file.size > limits_.file_bytes_max)
      return Refusal{413, str("the file in ", file.field, " is larger than ",
                              limits_.file_bytes_max, " bytes")};
    if (!file.blob) {
      file.bytes += piece;
    } else if (auto written = file.blob->write(piece); !written.ok()) {
      return storage_failure(written.error());
    }
    return std::nullopt;
  }

  std::optional<Refusal> end_part() override {
    if (!is_file_) {
      if (!utf8_valid(fields_.back().second))
        return Refusal{400, str("the field ", fields_.back().first, " is not UTF-8 text")};
      return std::nullopt;
    }
    // A field for a file in which none was chosen.
    if (files_.back().size == 0 && files_.back().head.filename->empty()) files_.pop_back();
    return std::nullopt;
  }

  // Where it could not be written is not for strangers.
  static Refusal storage_failure(const Error& error) {
    if (store::says_disk_full(error.message))
      return {507, "the server has no room for the file: its disk is full"};
    return {503, "the file could not be stored at present"};
  }

  void answer(Value value) {
    answer_.emplace(runner_.vm(), value);
    parser_.emplace(boundary_, limits_.parts, *this);  // its buffer goes
    fields_.clear();
    files_.clear();
    for (const IoTicket& ticket : std::exchange(waiting_, {})) ticket.reply(answer_->get());
  }

  void fail(const Refusal& refusal) {
    Context& cx = runner_.vm().cx;
    std::string sentence = refusal.why;
    if (!sentence.empty() && sentence[0] >= 'a' && sentence[0] <= 'z')
      sentence[0] = static_cast<char>(sentence[0] - 'a' + 'A');
    Root text(cx.heap, make_string(cx, str(sentence, ".")));
    const Field fields[] = {{"error", text}, {"status", Value::small_int(refusal.status)}};
    answer(make_dict(cx, fields));
  }

  void succeed() {
    // Blobs become ones all together, at the very end: a form that fails before leaves none.
    for (FormFile& file : files_) {
      if (!file.blob) continue;
      auto ref = file.blob->finish();
      if (!ref.ok()) return fail(storage_failure(ref.error()));
      file.ref = ref.take();
      file.blob.reset();
    }
    Context& cx = runner_.vm().cx;
    Root fields(cx.heap, empty_dict(cx));
    for (const auto& [name, text] : fields_) {
      Root key(cx.heap, make_string(cx, name));
      Root value(cx.heap, make_string(cx, text));
      fields = dict_put(cx, fields, key, value);
    }
    Root files(cx.heap, empty_dict(cx));
    Root all(cx.heap, empty_vector(cx));
    for (FormFile& file : files_) {
      Root one(cx.heap, file_value(cx, file));
      Root key(cx.heap, make_string(cx, file.field));
      files = dict_put(cx, files, key, one);
      all = vector_push(cx, all, one);
    }
    const Field whole[] = {{"fields", fields}, {"files", files}, {"all-files", all}};
    answer(make_dict(cx, whole));
  }

  Value file_value(Context& cx, FormFile& file) {
    Root field(cx.heap, make_string(cx, file.field));
    Root filename(cx.heap, make_string(cx, *file.head.filename));
    Root type(cx.heap, make_string(cx, file.head.type.empty() ? "application/octet-stream"
                                                              : file.head.type));
    Root size(cx.heap, make_uint(cx, file.size));
    if (!limits_.to_blobs) {
      Root bytes(cx.heap, make_bytes(cx, {reinterpret_cast<const std::uint8_t*>(file.bytes.data()),
                                          file.bytes.size()}));
      file.bytes = {};
      const Field fields[] = {{"field", field},
                              {"filename", filename},
                              {"type", type},
                              {"size", size},
                              {"bytes", bytes}};
      return make_dict(cx, fields);
    }
    Root cid(cx.heap, make_string(cx, file.ref.cid));
    Root mime(cx.heap, make_string(cx, file.ref.mime));
    const Field fields[] = {{"field", field}, {"filename", filename}, {"type", type},
                            {"size", size},   {"cid", cid},           {"mime", mime}};
    return make_dict(cx, fields);
  }

  Runner& runner_;
  store::BlobStore* blobs_;
  BodyReader reader_;
  std::string boundary_;
  FormLimits limits_;
  std::optional<MultipartParser> parser_;
  std::uint64_t body_bytes_ = 0;
  bool is_file_ = false;
  bool ended_ = false;
  std::vector<std::pair<std::string, std::string>> fields_;
  std::vector<FormFile> files_;
  std::vector<IoTicket> waiting_;
  std::optional<Vm::Pin> answer_;
};

Forms::Forms(Runner& runner, store::BlobStore* blobs) : runner_(runner), blobs_(blobs) {
  runner_.add("form/read", [this](IoCall& call) { read(call); });
}

std::uint64_t Forms::add(HttpRequest& request) {
  const std::string* type = request.header("content-type");
  forms_[++last_id_] =
      std::make_shared<Reading>(runner_, blobs_, std::move(request.reader), type ? *type : "");
  return last_id_;
}

void Forms::forget(std::uint64_t id) {
  const auto at = forms_.find(id);
  if (at == forms_.end()) return;
  const auto reading = std::move(at->second);
  forms_.erase(at);
  reading->end();
}

void Forms::read(IoCall& call) {
  std::int64_t id = 0;
  if (!call.integer(0, id)) return;
  const auto at = forms_.find(static_cast<std::uint64_t>(id));
  if (at == forms_.end())
    return call.fail("form-ended", "form/read: The request of this form has been answered");
  FormLimits limits;
  Context& cx = call.vm.cx;
  const Value options = call.arg(1);
  if (!options.is_nil() && !is_dict(options))
    return call.fail("type-error",
                     str("form/read: Expected a dict of options, got ", type_name(options)));
  const auto option = [&](std::string_view name) {
    const Value v = options.is_nil() ? Value::nil() : dict_get(cx, options, cx.keyword(name));
    return v.is_unset() ? Value::nil() : v;
  };
  const Value files = option("files");
  limits.to_blobs = is_string(files) && as_string(files)->view() == "blobs";
  if (!files.is_nil() && !limits.to_blobs)
    return call.fail("value-error", str("form/read: Expected :files \"blobs\", got ",
                                        print(cx, files, {.bytes_max = 60})));
  if (limits.to_blobs && !blobs_)
    return call.fail("io-error", "form/read: There is no blob store here");
  const std::uint64_t most = limits.to_blobs ? store::BlobStore::kBytesMax : kMemoryBytesMax;
  limits.file_bytes_max = limits.body_bytes_max = most;
  std::int64_t parts = static_cast<std::int64_t>(limits.parts.parts_max);
  std::int64_t file_bytes = static_cast<std::int64_t>(most), body_bytes = file_bytes;
  const std::pair<std::string_view, std::int64_t*> numbers[] = {
      {"parts-max", &parts}, {"file-bytes-max", &file_bytes}, {"body-bytes-max", &body_bytes}};
  for (const auto& [name, out] : numbers) {
    const Value v = option(name);
    if (!v.is_nil() && (!to_int64(v, *out) || *out < 1))
      return call.fail("value-error", str("form/read: Expected a number from 1 as :", name,
                                          ", got ", print(cx, v, {.bytes_max = 60})));
  }
  limits.parts.parts_max = static_cast<std::size_t>(std::min<std::int64_t>(parts, 10'000));
  limits.file_bytes_max = std::min(most, static_cast<std::uint64_t>(file_bytes));
  limits.body_bytes_max = std::min(most, static_cast<std::uint64_t>(body_bytes));
  const auto reading = at->second;
  reading->read(limits, call.ticket);
}

}  // namespace sx
