// The blob/* ops over a folder of blobs.
#include <map>
#include <memory>

#include "engine/base/str.h"
#include "engine/value/collections.h"
#include "server/io/content_servicer.h"
#include "server/io/store_errors.h"
#include "server/store/sniff.h"

namespace sx {

namespace {

constexpr std::size_t kWritersMax = 64;           // begun and not finished, per isolate
constexpr std::int64_t kReadBytesMax = 64 << 20;  // of one blob/read

// Content that arrives in pieces, by number. Who never finishes loses the place to later ones.
struct Writers {
  std::map<std::int64_t, store::BlobWriter> open;
  std::int64_t last = 0;
};

Value ref_value(Context& cx, const store::BlobRef& ref) {
  Root cid(cx.heap, make_string(cx, ref.cid));
  Root mime(cx.heap, make_string(cx, ref.mime));
  Root size(cx.heap, make_uint(cx, ref.size));
  const Field fields[] = {{"cid", cid}, {"size", size}, {"mime", mime}};
  return make_dict(cx, fields);
}

Value bytes_value(Context& cx, const std::string& bytes) {
  return make_bytes(cx, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

store::BlobWriter* writer_of(IoCall& call, Writers& writers) {
  std::int64_t number = 0;
  if (!call.integer(0, number)) return nullptr;
  const auto found = writers.open.find(number);
  if (found != writers.open.end()) return &found->second;
  call.fail("value-error",
            str(call.op, ": Expected the number of a blob in the making, got ", number,
                "; it is finished, abandoned, or gave way to ", kWritersMax, " later ones"));
  return nullptr;
}

void add_reading(Runner& runner, store::BlobStore& blobs) {
  runner.add("blob/get", [&blobs](IoCall& call) {
    std::string cid;
    if (!call.text(0, cid)) return;
    if (!blobs.has(cid)) return call.reply(Value::nil());
    auto bytes = blobs.get(cid);
    if (!bytes.ok()) return call.fail(blob_error_kind(bytes.error()), bytes.error().message);
    Context& cx = call.vm.cx;
    Root data(cx.heap, bytes_value(cx, *bytes));
    Root mime(cx.heap, make_string(cx, store::sniff_mime(bytes.value())));
    Root size(cx.heap, make_uint(cx, bytes->size()));
    const Field fields[] = {{"bytes", data}, {"mime", mime}, {"size", size}};
    call.reply(make_dict(cx, fields));
  });
  runner.add("blob/stat", [&blobs](IoCall& call) {
    std::string cid;
    if (!call.text(0, cid)) return;
    if (!blobs.has(cid)) return call.reply(Value::nil());
    const auto ref = blobs.stat(cid);
    if (!ref.ok()) return call.fail(blob_error_kind(ref.error()), ref.error().message);
    call.reply(ref_value(call.vm.cx, *ref));
  });
  runner.add("blob/read", [&blobs](IoCall& call) {
    std::string cid;
    std::int64_t from = 0, length = 0;
    if (!call.text(0, cid) || !call.integer(1, from) || !call.integer(2, length)) return;
    if (from < 0 || length < 0 || length > kReadBytesMax)
      return call.fail("range-error",
                       str("blob/read: Expected an offset from 0 and a length up to ",
                           kReadBytesMax, ", got ", from, " and ", length));
    if (!blobs.has(cid)) return call.reply(Value::nil());
    const auto bytes =
        blobs.read(cid, static_cast<std::uint64_t>(from), static_cast<std::uint64_t>(length));
    if (!bytes.ok()) return call.fail(blob_error_kind(bytes.error()), bytes.error().message);
    call.reply(bytes_value(call.vm.cx, *bytes));
  });
}

}  // namespace

void add_blob_servicers(Runner& runner, store::BlobStore& blobs) {
  runner.add("blob/put", [&blobs](IoCall& call) {
    std::string bytes;
    if (!call.text(0, bytes)) return;
    const auto ref = blobs.put(bytes);
    if (!ref.ok()) return call.fail(blob_error_kind(ref.error()), ref.error().message);
    call.reply(ref_value(call.vm.cx, *ref));
  });
  add_reading(runner, blobs);

  auto writers = std::make_shared<Writers>();
  runner.add("blob/begin", [&blobs, writers](IoCall& call) {
    auto writer = blobs.writer();
    if (!writer.ok()) return call.fail(blob_error_kind(writer.error()), writer.error().message);
    if (writers->open.size() >= kWritersMax) writers->open.erase(writers->open.begin());
    writers->open.emplace(++writers->last, writer.take());
    call.reply(Value::small_int(writers->last));
  });
  runner.add("blob/write", [writers](IoCall& call) {
    std::string bytes;
    store::BlobWriter* writer = writer_of(call, *writers);
    if (!writer || !call.text(1, bytes)) return;
    const auto written = writer->write(bytes);
    if (!written.ok()) return call.fail(blob_error_kind(written.error()), written.error().message);
    call.reply(Value::nil());
  });
  runner.add("blob/finish", [writers](IoCall& call) {
    std::int64_t number = 0;
    store::BlobWriter* writer = writer_of(call, *writers);
    if (!writer || !call.integer(0, number)) return;
    const auto ref = writer->finish();
    writers->open.erase(number);
    if (!ref.ok()) return call.fail(blob_error_kind(ref.error()), ref.error().message);
    call.reply(ref_value(call.vm.cx, *ref));
  });
  runner.add("blob/abandon", [writers](IoCall& call) {
    std::int64_t number = 0;
    if (!call.integer(0, number)) return;
    writers->open.erase(number);
    call.reply(Value::nil());
  });
}

}  // namespace sx
