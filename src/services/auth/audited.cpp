#include "services/auth/audited.hpp"

#include <spdlog/spdlog.h>

#include "http/message/problem.hpp"

namespace market::auth {
namespace {

struct Audited {
  AuditParts parts;
  std::string action;
  http::Handler handler;
};

/// Cut between characters; a picture is told by its size.
std::string detail_of(const http::Request& request) {
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
  AuditEntry entry;
  entry.id = parts.ids.next_as<AuditId>();
  entry.at = parts.clock.now();
  entry.actor = caller->user;
  entry.role = caller->role;
  entry.action = audited->action;
  if (!request.parameters.empty()) entry.subject = std::string(request.parameters[0]).substr(0, 64);
  entry.detail = detail_of(request);
  const AuditId id = entry.id;
  const auto begun = co_await parts.log.begin(std::move(entry));
  if (!begun) co_return fail(begun.error());
  auto reply = co_await audited->handler(request);
  const auto status = reply ? reply->status : http::problem_of(reply.error().code).status;
  const auto finished = co_await parts.log.finish(id, static_cast<int>(status));
  if (!finished) spdlog::error("the audit log does not know how {} ended", audited->action);
  co_return reply;
}

}  // namespace

std::function<http::Handler(http::Handler)> audited(const AuditParts& parts, std::string action) {
  return [parts, action = std::move(action)](http::Handler handler) -> http::Handler {
    auto shared = std::make_shared<const Audited>(Audited{parts, action, std::move(handler)});
    return [shared](const http::Request& request) { return carry_out(shared, request); };
  };
}

}  // namespace market::auth
