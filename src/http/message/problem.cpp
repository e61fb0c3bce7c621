#include "http/message/problem.hpp"

#include <fmt/format.h>

#include "http/message/status_line.hpp"
#include "wire/json/json.hpp"

namespace market::http {

Problem problem_of(Code code) {
  switch (code) {
    case Code::invalid_json:
      return {Status::bad_request, "invalid_json", "Broken JSON"};
    case Code::bad_request:
      return {Status::bad_request, "bad_request", "Bad request"};
    case Code::validation:
      return {Status::unprocessable, "validation", "Invalid request"};
    case Code::unsupported_media_type:
      return {Status::unsupported_media_type, "unsupported_media_type", "Unsupported media type"};
    case Code::payload_too_large:
      return {Status::payload_too_large, "payload_too_large", "Body too large"};
    case Code::not_acceptable:
      return {Status::not_acceptable, "not_acceptable", "Not acceptable"};
    case Code::unauthenticated:
      return {Status::unauthorized, "unauthenticated", "Sign in first"};
    case Code::invalid_credentials:
      return {Status::unauthorized, "invalid_credentials", "Wrong e-mail or password"};
    case Code::session_revoked:
      return {Status::unauthorized, "session_revoked", "Session ended"};
    case Code::invalid_code:
      return {Status::bad_request, "invalid_code", "Wrong code"};
    case Code::forbidden:
      return {Status::forbidden, "forbidden", "Not allowed"};
    case Code::email_unverified:
      return {Status::forbidden, "email_unverified", "E-mail not verified"};
    case Code::not_found:
      return {Status::not_found, "not_found", "Not found"};
    case Code::product_not_found:
      return {Status::not_found, "product_not_found", "Product not found"};
    case Code::order_not_found:
      return {Status::not_found, "order_not_found", "Order not found"};
    case Code::email_taken:
      return {Status::conflict, "email_taken", "E-mail already registered"};
    case Code::precondition_failed:
      return {Status::precondition_failed, "precondition_failed", "Changed meanwhile"};
    case Code::precondition_required:
      return {Status::precondition_required, "precondition_required", "If-Match is needed"};
    case Code::sold_out:
      return {Status::conflict, "sold_out", "Sold out"};
    case Code::insufficient_stock:
      return {Status::conflict, "insufficient_stock", "Not enough left"};
    case Code::sale_not_open:
      return {Status::conflict, "sale_not_open", "Sale not open yet"};
    case Code::sale_closed:
      return {Status::conflict, "sale_closed", "Sale closed"};
    case Code::limit_exceeded:
      return {Status::conflict, "limit_exceeded", "Limit per buyer reached"};
    case Code::idempotency_mismatch:
      return {Status::unprocessable, "idempotency_mismatch", "Idempotency-Key used for another request"};
    case Code::order_not_payable:
      return {Status::conflict, "order_not_payable", "Order cannot be paid"};
    case Code::order_not_cancellable:
      return {Status::conflict, "order_not_cancellable", "Order cannot be cancelled"};
    case Code::order_not_returnable:
      return {Status::conflict, "order_not_returnable", "Order cannot be returned"};
    case Code::payment_declined:
      return {Status::payment_required, "payment_declined", "Payment declined"};
    case Code::rate_limited:
      return {Status::too_many_requests, "rate_limited", "Too many requests", 1};
    case Code::overloaded:
      return {Status::unavailable, "overloaded", "Too busy", 1};
    case Code::recovering:
      return {Status::unavailable, "recovering", "Recovering", 1};
    case Code::insufficient_storage:
      return {Status::insufficient_storage, "insufficient_storage", "Storage is full", 10};
    case Code::unavailable:
      return {Status::unavailable, "unavailable", "Outcome unknown, try again", 1};
    case Code::list_full:
      return {Status::conflict, "list_full", "No room for more"};
    case Code::order_not_movable:
      return {Status::conflict, "order_not_movable", "Order cannot take this step"};
    case Code::order_not_refundable:
      return {Status::conflict, "order_not_refundable", "Order cannot be refunded"};
    case Code::products_for_sale:
      return {Status::conflict, "products_for_sale", "Products are for sale"};
    case Code::conflict:
    case Code::internal:
      return {Status::internal_error, "internal", "Internal error"};
  }
  return {Status::internal_error, "internal", "Internal error"};
}

namespace {

/// Everything up to and including `detail`; `code` and `title` are ours and need no escaping.
void begin_problem(std::string& body, Status status, std::string_view code, std::string_view title,
                   std::string_view detail, std::string_view trace_id) {
  body.reserve(160 + 2 * code.size() + title.size() + detail.size() + trace_id.size());
  const fmt::format_int number(static_cast<int>(status));
  body.append(R"({"type":"/problems/)").append(code).append(R"(","title":")").append(title);
  body.append(R"(","status":)").append(number.data(), number.size()).append(R"(,"detail":)");
  wire::append_json_string(body, detail);
  body.append(R"(,"code":")").append(code).append(R"(","traceId":")").append(trace_id).append("\"");
}

Reply as_reply(Status status, std::string body) {
  Reply reply;
  reply.status = status;
  reply.content_type = problem_type;
  reply.body = std::move(body);
  return reply;
}

void append_fields(std::string& body, const std::vector<FieldError>& fields) {
  body.append(R"(,"errors":[)");
  bool first = true;
  for (const auto& field : fields) {
    body.append(first ? R"({"field":)" : R"(,{"field":)");
    wire::append_json_string(body, field.field);
    body.append(R"(,"code":)");
    wire::append_json_string(body, field.code);
    body.append(R"(,"detail":)");
    wire::append_json_string(body, field.detail);
    body += '}';
    first = false;
  }
  body += ']';
}

}  // namespace

std::string_view words_for_strangers(Code code) {
  if (code == Code::internal || code == Code::conflict) return "something went wrong on our side";
  if (code == Code::unavailable)
    return "a part of the market does not answer; ask again, a change with the same Idempotency-Key";
  if (code == Code::insufficient_storage) return "the disk is full; nothing happened";
  return {};
}

Reply problem_reply(const Error& error, std::string_view trace_id) {
  const Problem problem = problem_of(error.code);
  const auto instead = words_for_strangers(error.code);
  std::string body;
  begin_problem(body, problem.status, problem.code, problem.title,
                instead.empty() ? std::string_view(error.detail) : instead, trace_id);
  int retry_after = problem.retry_after_seconds;
  if (error.extras) {
    if (error.extras->retry_after_seconds > 0) retry_after = error.extras->retry_after_seconds;
    if (!error.extras->opens_at.empty()) {
      body.append(R"(,"opensAt":)");
      wire::append_json_string(body, error.extras->opens_at);
    }
  }
  if (problem.status == Status::unprocessable)
    append_fields(body, error.extras ? error.extras->fields : std::vector<FieldError>());
  body += '}';
  Reply reply = as_reply(problem.status, std::move(body));
  if (retry_after > 0) reply.headers.push_back({"Retry-After", std::to_string(retry_after)});
  if (problem.status == Status::unauthorized) reply.headers.push_back({"WWW-Authenticate", "Bearer"});
  return reply;
}

std::string code_of(Status status) {
  std::string code(reason_phrase(status));
  for (char& c : code) c = c == ' ' ? '_' : static_cast<char>(c | 0x20);
  return code;
}

Reply status_problem(Status status, std::string_view detail, std::string_view trace_id) {
  const std::string code = code_of(status);
  std::string body;
  begin_problem(body, status, code, reason_phrase(status), detail, trace_id);
  body += '}';
  return as_reply(status, std::move(body));
}

}  // namespace market::http
