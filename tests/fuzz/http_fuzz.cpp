// libFuzzer target: any bytes as a connection's requests, and as a multipart form. What is
// understood must not depend on how the bytes are cut into pieces, nothing may be read beyond them,
// and a body is never longer than it may be.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/str.h"
#include "server/http/head_scanner.h"
#include "server/http/multipart.h"
#include "server/http/request_parser.h"
#include "tests/fuzz/require.h"

namespace {

using namespace sx;

constexpr HeadLimits kLimits{2048, 20, 512};
constexpr std::size_t kBodyMax = 1000;
constexpr std::size_t kChunkLineMax = 16 * 1024;

// A connection's reading, without its socket: what was understood, one line each.
class Reader {
 public:
  void take(std::string_view piece) {
    buffer_ += piece;
    while (!refused_ && step()) {
    }
  }
  const std::string& understood() const { return understood_; }

 private:
  bool step() {
    if (!parser_) {
      while (std::string_view(buffer_).substr(0, 2) == "\r\n") buffer_.erase(0, 2);
      if (buffer_.empty() || buffer_ == "\r") return false;
      switch (scanner_.scan(buffer_)) {
        case HeadScanner::State::More:
          return false;
        case HeadScanner::State::Refused:
          return refuse(scanner_.refusal());
        case HeadScanner::State::Complete:
          break;
      }
      const std::size_t head = scanner_.head_bytes();
      require(head <= buffer_.size(), "a head ends within its bytes", buffer_);
      parser_.emplace(kLimits.header_bytes_max);
      if (!parser_->put_head(std::string_view(buffer_).substr(0, head)) ||
          !parser_->limit_body(kBodyMax))
        return refuse(parser_->refusal());
      buffer_.erase(0, head);
    }
    while (!buffer_.empty() && !parser_->is_done()) {
      std::size_t taken = 0;
      if (!parser_->put_body(buffer_, taken)) return refuse(parser_->refusal());
      require(taken <= buffer_.size(), "a body ends within its bytes", buffer_);
      buffer_.erase(0, taken);
      if (taken == 0) break;
    }
    if (!parser_->is_done()) {
      if (buffer_.size() >= kChunkLineMax) return refuse({400, "a chunk header is too long"});
      return false;
    }
    const HttpRequest& request = parser_->request();
    require(request.body.size() <= kBodyMax, "a body keeps to its limit", request.body);
    understood_ += str(request.method, " ", request.target, " ", request.body, "\n");
    for (const auto& [name, value] : request.headers) {
      require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
              "no value has a line end", value);
      understood_ += str(name, ":", value, "\n");
    }
    scanner_.reset();
    parser_.reset();
    return true;
  }

  bool refuse(const Refusal& refusal) {
    require(refusal.status >= 400 && refusal.status < 600 && !refusal.why.empty(),
            "a refusal has its status and its reason", refusal.why);
    understood_ += str("refused ", refusal.status, "\n");
    refused_ = true;
    return false;
  }

  std::string buffer_, understood_;
  HeadScanner scanner_{kLimits};
  std::optional<RequestParser> parser_;
  bool refused_ = false;
};

struct Parts : PartSink {
  std::optional<Refusal> begin_part(const PartHead& head) override {
    text += str("part ", head.name, " ", head.filename.value_or("-"), " ", head.type, "\n");
    return std::nullopt;
  }
  std::optional<Refusal> part_data(std::string_view piece) override {
    require(!piece.empty(), "a piece has bytes", text);
    text += piece;
    return std::nullopt;
  }
  std::optional<Refusal> end_part() override {
    text += "\nend\n";
    return std::nullopt;
  }
  std::string text;
};

std::string requests(std::string_view bytes, std::size_t step) {
  Reader reader;
  for (std::size_t at = 0; at < bytes.size(); at += step) reader.take(bytes.substr(at, step));
  return reader.understood();
}

std::string form(std::string_view bytes, std::size_t step) {
  Parts parts;
  MultipartParser parser("X", {.parts_max = 50, .part_head_bytes_max = 300}, parts);
  bool good = true;
  for (std::size_t at = 0; good && at < bytes.size(); at += step)
    good = parser.put(bytes.substr(at, step));
  good = good && parser.finish();
  return good ? parts.text : str("refused ", parser.refusal().status);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t step = 1 + data[1] % 17;
  multipart_boundary(bytes);
  const auto read = data[0] % 2 == 0 ? requests : form;
  const std::string whole = read(bytes, std::max<std::size_t>(bytes.size(), 1));
  require(whole == read(bytes, step), "pieces of any size mean the same", bytes);
  return 0;
}
