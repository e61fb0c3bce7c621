#include "services/user/mail_routes.hpp"

#include <fmt/format.h>

#include "http/message/paging.hpp"
#include "services/auth/routes.hpp"
#include "wire/json/json.hpp"
#include "wire/json/json_writer.hpp"

namespace market::user {
namespace {

using http::Method;
using http::Reply;
using http::Request;
using UseCases = MailParts;

constexpr int shown_mails = 100;

/// `k***@example.kr`: enough to talk about with a buyer, too little to write to.
std::string masked(const std::string& address) {
  const auto at = address.find('@');
  if (at == std::string::npos || at == 0) return "***";
  return address.substr(0, 1) + "***" + address.substr(at);
}

std::string id_text(auto id) {
  return id ? id.text() : std::string();
}

void append_mail(wire::JsonWriter& json, const OutboxMail& mail) {
  const bool waits = mail.state == MailState::waiting;
  json.begin_object().member("id", mail.id.text()).member("kind", mail.mail.kind);
  json.member("state", text_of(mail.state));
  json.member_or_null("to", mail.mail.to.empty() ? std::string() : masked(mail.mail.to));
  json.member_or_null("userId", id_text(mail.mail.user));
  json.member_or_null("orderId", id_text(mail.mail.order));
  json.member("createdAt", format_rfc3339(mail.created_at)).member("attempts", mail.tries);
  json.member_or_null("nextAttemptAt", waits ? format_rfc3339(mail.next_at) : std::string());
  json.member_or_null("sentAt", mail.sent_at ? format_rfc3339(*mail.sent_at) : std::string());
  json.member_or_null("reason", mail.reason);
  json.end_object();
}

Task<Reply> list(UseCases& use, const Request& request) {
  const auto caller = use.authenticator.require(request, {Role::admin});
  if (!caller) co_return fail(caller.error());
  const auto page = http::page_of(request);
  if (!page) co_return fail(page.error());
  const auto state_text = request.query_parameter("state");
  if (!state_text) co_return fail(state_text.error());
  std::optional<MailState> state;
  if (*state_text) {
    state = parse_mail_state(**state_text);
    if (!state) co_return invalid_field("state", "value", "state must be waiting, sent or failed");
  }
  const auto before = http::before_of<MailId>(*page);
  if (!before) co_return fail(before.error());
  auto mails = co_await use.outbox.list(state, *before, page->limit + 1);
  if (!mails) co_return fail(mails.error());
  co_return http::page_reply(request, std::move(*mails), page->limit, append_mail);
}

Task<Reply> retry(UseCases& use, const Request& request) {
  const auto caller = use.authenticator.require(request, {Role::admin});
  if (!caller) co_return fail(caller.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  const auto id = MailId::parse(request.parameters[0]);
  if (!id) co_return fail(Code::not_found, "there is no such mail");
  const auto mail = co_await use.outbox.retry(*id, use.clock.now());
  if (!mail) co_return fail(mail.error());
  use.mails.poke();
  std::string body;
  wire::JsonWriter json(body);
  append_mail(json, *mail);
  co_return http::json(http::Status::ok, std::move(body));
}

std::string as_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

Reply shown_as_page(const std::vector<OutboxMail>& mails) {
  Reply reply;
  reply.content_type = "text/html; charset=utf-8";
  reply.body =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Mails</title></head><body>"
      "<main><h1>Mails of this demonstration</h1>\n";
  if (mails.empty()) reply.body += "<p>None yet.</p>";
  for (const OutboxMail& mail : mails)
    reply.body += fmt::format("<article><h2>{}</h2><p>To {}, {}</p><pre>{}</pre></article>\n",
                              as_html(mail.mail.subject), as_html(mail.mail.to),
                              format_rfc3339(mail.created_at), as_html(mail.mail.text));
  reply.body += "</main></body></html>\n";
  return reply;
}

Reply shown_as_json(const std::vector<OutboxMail>& mails) {
  std::string body;
  wire::JsonWriter json(body);
  json.begin_object().key("items").begin_array();
  for (const OutboxMail& mail : mails) {
    json.begin_object().member("id", mail.id.text()).member("kind", mail.mail.kind);
    json.member("state", text_of(mail.state)).member("to", mail.mail.to);
    json.member("subject", mail.mail.subject).member("text", mail.mail.text);
    json.member("createdAt", format_rfc3339(mail.created_at)).end_object();
  }
  json.end_array().key("nextCursor").null();
  json.end_object();
  return http::json(http::Status::ok, std::move(body));
}

/// The newest ones, as JSON; a browser gets a page.
Task<Reply> show(UseCases& use, const Request& request) {
  auto mails = co_await use.outbox.list(std::nullopt, MailId(), shown_mails);
  if (!mails) co_return fail(mails.error());
  std::erase_if(*mails, [](const OutboxMail& mail) { return mail.mail.to.empty(); });
  const bool browser = request.header("Accept").find("text/html") != std::string_view::npos;
  co_return browser ? shown_as_page(*mails) : shown_as_json(*mails);
}

}  // namespace

void add_mail_routes(http::Router& router, const MailParts& parts, bool show_texts, const std::string& base) {
  auto use = std::make_shared<UseCases>(parts);
  auth::Routes routes(router, base, use, parts.authenticator);
  routes.add(Method::get, "/mails", auth::Access::admins, list, {"limit", "cursor", "state"});
  routes.add(Method::post, "/mails/{id}/retry", auth::Access::admins, retry);
  if (!show_texts) return;
  http::RouteOptions options;
  options.loopback_only = true;
  router.add(
      Method::get, "/dev/mail", [use](const Request& request) { return show(*use, request); }, options);
}

}  // namespace market::user
