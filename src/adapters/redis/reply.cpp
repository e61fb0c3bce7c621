#include "adapters/redis/reply.hpp"

#include <hiredis/hiredis.h>

#include <charconv>

#include "base/text.hpp"

namespace market::redis {

Reply::Reply(redisReply* owned)
    : whole_(owned, [](redisReply* reply) { freeReplyObject(reply); }), part_(owned) {}

bool Reply::is_error() const {
  return part_ != nullptr && part_->type == REDIS_REPLY_ERROR;
}

bool Reply::is_nil() const {
  return part_ == nullptr || part_->type == REDIS_REPLY_NIL;
}

std::string_view Reply::text() const {
  if (part_ == nullptr || part_->str == nullptr) return {};
  const bool has_text = part_->type == REDIS_REPLY_STRING || part_->type == REDIS_REPLY_STATUS || is_error();
  return has_text ? std::string_view(part_->str, static_cast<std::size_t>(part_->len)) : std::string_view();
}

std::optional<std::int64_t> Reply::number() const {
  if (part_ != nullptr && part_->type == REDIS_REPLY_INTEGER) return part_->integer;
  if (is_error()) return std::nullopt;
  const auto digits = text();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::size_t Reply::size() const {
  return part_ != nullptr && part_->type == REDIS_REPLY_ARRAY ? part_->elements : 0;
}

Reply Reply::at(std::size_t i) const {
  return i < size() ? Reply(whole_, part_->element[i]) : Reply();
}

std::string shown(std::string_view bytes) {
  return printable(bytes, 200);
}

}  // namespace market::redis
