// multipart/form-data (RFC 7578) as it arrives: a push parser that keeps no more of a part than the
// length of the boundary. It is strict: what two readers could see differently is refused with a
// sentence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/head_scanner.h"

namespace sx {

// The boundary of a Content-Type that is multipart/form-data; empty: the type is that, but it names
// no boundary of 1 to 70 allowed characters; nullopt: it is another type.
std::optional<std::string> multipart_boundary(std::string_view content_type);

// What a part says of itself. A file's name and type are the sender's claims.
struct PartHead {
  std::string name;
  std::optional<std::string> filename;  // given, also empty: it is a file
  std::string type;                     // Content-Type, empty if none
};

// Gets the parts. Each call may refuse, which ends the parsing.
class PartSink {
 public:
  virtual std::optional<Refusal> begin_part(const PartHead& head) = 0;
  virtual std::optional<Refusal> part_data(std::string_view piece) = 0;
  virtual std::optional<Refusal> end_part() = 0;

 protected:
  ~PartSink() = default;
};

struct MultipartLimits {
  std::size_t parts_max = 1'000;
  std::size_t part_head_bytes_max = 8 * 1024;
};

class MultipartParser {
 public:
  MultipartParser(std::string_view boundary, const MultipartLimits& limits, PartSink& sink);

  // The next bytes of the body. False: see refusal().
  bool put(std::string_view bytes);
  // The body is over. False: it ended too early.
  bool finish();
  const Refusal& refusal() const { return *refusal_; }

 private:
  enum class State { Start, AfterDelimiter, Head, Data, Epilogue };

  bool refuse(std::string why);
  bool take(std::optional<Refusal> refusal);
  bool step(bool& more);  // one step in the buffer; more: there may be another
  bool step_data(bool& more);
  bool read_head(std::string_view lines);

  MultipartLimits limits_;
  PartSink& sink_;
  std::string delimiter_;  // CR LF -- boundary
  State state_ = State::Start;
  std::string buffer_;
  std::size_t at_ = 0;  // what is before it has been dealt with
  std::size_t parts_ = 0;
  std::optional<Refusal> refusal_;
};

}  // namespace sx
