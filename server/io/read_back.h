// The values of texts that are read again and again.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/sx.h"
#include "engine/value/root_list.h"

namespace sx {

// Values read back from kv texts, so that a row read again is parsed only when it says something
// else: the text is compared each time. Values are immutable, so performers may share them.
class ReadBack {
 public:
  explicit ReadBack(Context& cx) : cx_(cx), values_(cx.heap) {}

  Result<Value> value_of(const std::string& key, std::string text) {
    if (const auto found = slots_.find(key); found != slots_.end() && texts_[found->second] == text)
      return values_.data()[found->second];
    SX_TRY(const Value value, read_data(cx_, text));
    keep(key, std::move(text), value);
    return value;
  }

 private:
  static constexpr std::size_t kBytesMax = std::size_t{8} << 20;
  static constexpr std::size_t kEntryBytes = 256;  // about what an entry takes beside its text

  void keep(const std::string& key, std::string text, Value value) {
    if (text.size() > kBytesMax / 16) return;
    if (bytes_ + text.size() + kEntryBytes > kBytesMax) {
      // Begin anew rather than keep count of what was used when.
      slots_.clear();
      texts_.clear();
      values_.truncate(0);
      bytes_ = 0;
    }
    bytes_ += text.size() + kEntryBytes;
    const auto [at, fresh] = slots_.try_emplace(key, texts_.size());
    if (fresh) {
      texts_.push_back(std::move(text));
      values_.push(value);
    } else {
      bytes_ -= texts_[at->second].size() + kEntryBytes;
      texts_[at->second] = std::move(text);
      values_[at->second] = value;
    }
  }

  Context& cx_;
  std::unordered_map<std::string, std::size_t> slots_;
  std::vector<std::string> texts_;
  RootList values_;
  std::size_t bytes_ = 0;
};

}  // namespace sx
