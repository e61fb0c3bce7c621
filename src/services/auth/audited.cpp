#include "services/auth/audited.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "http/message/problem.hpp"

namespace market::auth {
namespace {

struct Audited {
  AuditParts parts;
  std::string action;
  http::Handler handler;
};

/// Cut between characters; a picture is told by its size. Of a webhook nothing is told: its address may be a
/// secret, and is stored encrypted.
std::string detail_of(const http::Request& request, std::string_view action) {
  if (action.find("/webhooks") != std::string_view::npos) return {};
  const std::string_view body = request.body;
  const auto type = request.header("Content-Type");
  if (!body.empty() && type.find("json") == std::string_view::npos)
    return fmt::format("{} bytes of {}", body.size(), type.substr(0, 100));
  std::size_t size = std::min(body.size(), audit_detail_bytes_max);
  while (size > 0 && size < body.size() && (static_cast<unsigned char>(body[size]) & 0xC0) == 0x80) --size;
  return std::string(body.substr(0, size));
}

Task<http::Reply> carry_out(std::shared_ptr<const Audited> audited, const http::Request& request) {
  const AuditParts& parts = audited->parts;
  const auto caller = parts.authenticator.identify(request);
  if (!caller || caller->role == Role::customer) {
    auto refused = co_await audited->handler(request);
    co_return refused;
  }
  const Instant now = parts.clock.now();
  if (caller->role == Role::seller)
    if (const auto left = parts.refusals->expect_left(caller->user, now); !left) co_return fail(left.error());
  AuditEntry entry;
  entry.id = parts.ids.next_as<AuditId>();
  entry.at = now;
  entry.actor = caller->user;
  entry.role = caller->role;
  entry.action = audited->action;
  if (!request.parameters.empty()) entry.subject = std::string(request.parameters[0]).substr(0, 64);
  entry.detail = detail_of(request, audited->action);
  const AuditId id = entry.id;
  const auto begun = co_await parts.log.begin(std::move(entry));
  if (!begun) co_return fail(begun.error());
  auto reply = co_await audited->handler(request);
  const auto status = reply ? reply->status : http::problem_of(reply.error().code).status;
  if (is_refusal(static_cast<int>(status)) && caller->role == Role::seller)
    parts.refusals->spend(caller->user, now);
  const auto finished = co_await parts.log.finish(id, static_cast<int>(status));
  if (!finished) spdlog::error("the audit log does not know how {} ended", audited->action);
  co_return reply;
}

}  // namespace

double RefusalBudget::refilled(const Left& left, Instant now) {
  const auto passed = static_cast<double>(std::max<Millis::rep>(0, (now - left.at).count()));
  return std::min(refusals_max, left.refusals + passed / static_cast<double>(refusal_pace.count()));
}

Result<> RefusalBudget::expect_left(UserId seller, Instant now) {
  if (!enabled_) return {};
  const std::lock_guard lock(mutex_);
  const auto known = sellers_.find(seller.value);
  if (known == sellers_.end()) return {};
  const double left = refilled(known->second, now);
  if (left >= 1) return {};
  ErrorExtras extras;
  const double wait_ms = (1 - left) * static_cast<double>(refusal_pace.count());
  extras.retry_after_seconds = 1 + static_cast<int>(wait_ms / 1'000);
  return fail(Error(Code::rate_limited, "too many of your requests were refused; wait before the next",
                    std::move(extras)));
}

void RefusalBudget::spend(UserId seller, Instant now) {
  if (!enabled_) return;
  const std::lock_guard lock(mutex_);
  if (sellers_.size() >= sellers_max)
    std::erase_if(sellers_, [&](const auto& entry) { return refilled(entry.second, now) >= refusals_max; });
  auto& left = sellers_.try_emplace(seller.value, Left{refusals_max, now}).first->second;
  left = {refilled(left, now) - 1, now};
}

std::function<http::Handler(http::Handler)> audited(const AuditParts& parts, std::string action) {
  return [parts, action = std::move(action)](http::Handler handler) -> http::Handler {
    auto shared = std::make_shared<const Audited>(Audited{parts, action, std::move(handler)});
    return [shared](const http::Request& request) { return carry_out(shared, request); };
  };
}

}  // namespace market::auth
