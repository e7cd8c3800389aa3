// text_request: picks the operation. One reply per thread, as one thread is one engine.
#include "engine/text/ops.h"

namespace sx {

std::string_view text_request(TextOp op, std::string_view a, std::string_view b,
                              std::uint32_t first, std::uint32_t second) {
  SX_PER_ENGINE text::Reply reply;
  reply.clear();
  switch (op) {
    case TextOp::Scan:
      text::scan(reply, a, b, first, second);
      break;
    case TextOp::Check:
      text::check_pattern(reply, a);
      break;
    case TextOp::Normalize:
      text::normalize(reply, b, static_cast<NormalForm>(first));
      break;
    case TextOp::FoldCase:
      text::fold_case(reply, b);
      break;
    case TextOp::Upper:
    case TextOp::Lower:
    case TextOp::Title:
      text::map_case(reply, b, op);
      break;
    case TextOp::Graphemes:
      text::graphemes(reply, b);
      break;
    case TextOp::Width:
      text::width(reply, b);
      break;
    case TextOp::Category:
      text::category(reply, first);
      break;
    case TextOp::Properties:
      text::properties(reply, first);
      break;
  }
  return reply.bytes();
}

}  // namespace sx
