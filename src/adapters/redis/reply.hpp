#pragma once
/// What Redis answered: one value, or a list of values. Bytes are bytes; nothing here trusts them.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct redisReply;

namespace market::redis {

class Reply {
 public:
  Reply() = default;
  /// Takes what hiredis' reader made.
  explicit Reply(redisReply* owned);

  bool is_error() const;
  bool is_nil() const;
  /// Of a text, a status or an error; empty: of anything else.
  std::string_view text() const;
  /// A whole number, also one written as text; none: it is none.
  std::optional<std::int64_t> number() const;
  std::size_t size() const;  ///< Of a list; 0: of anything else.
  Reply at(std::size_t i) const;

 private:
  Reply(std::shared_ptr<redisReply> whole, const redisReply* part) : whole_(std::move(whole)), part_(part) {}
  std::shared_ptr<redisReply> whole_;
  const redisReply* part_ = nullptr;
};

/// Bytes of Redis as they may stand in a log: one line of 200 characters at most.
std::string shown(std::string_view bytes);

}  // namespace market::redis
