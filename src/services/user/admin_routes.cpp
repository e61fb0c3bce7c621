#include "services/user/admin_routes.hpp"

#include "http/message/paging.hpp"
#include "services/auth/routes.hpp"
#include "services/user/user_view.hpp"
#include "wire/json/json.hpp"

namespace market::user {
namespace {

using auth::Access;
using http::Method;
using http::Reply;
using http::Request;
using UseCases = AdminUserParts;

/// The user's own page, and whether the account is locked.
void append_listed(wire::JsonWriter& json, const ListedAccount& listed) {
  append_user_members(json.begin_object(), listed.account);
  json.member("lockedAt", listed.locked_at).end_object();
}

Reply listed_reply(const ListedAccount& listed) {
  std::string body;
  wire::JsonWriter json(body);
  append_listed(json, listed);
  return http::json(http::Status::ok, std::move(body));
}

Error no_such_account() {
  return Error(Code::not_found, "there is no such account");
}

Result<AccountQuery> read_query(const Request& request) {
  const auto page = http::page_of(request);
  if (!page) return fail(page.error());
  AccountQuery query;
  query.limit = page->limit + 1;
  const auto email = request.query_parameter("email");
  if (!email) return fail(email.error());
  if (*email && (*email)->size() > 254) return invalid_field("email", "length", "email is too long");
  if (*email && (*email)->empty()) return invalid_field("email", "length", "email is empty");
  query.email = *email;
  const auto role = request.query_parameter("role");
  if (!role) return fail(role.error());
  if (*role) {
    query.role = parse_role(**role);
    if (!query.role) return invalid_field("role", "value", "role must be customer, seller or admin");
  }
  const auto locked = request.query_parameter("locked");
  if (!locked) return fail(locked.error());
  if (*locked) {
    if (**locked != "true" && **locked != "false")
      return invalid_field("locked", "value", "locked must be true or false");
    query.locked = **locked == "true";
  }
  const auto before = http::before_of<UserId>(*page);
  if (!before) return fail(before.error());
  query.before = *before;
  return query;
}

Task<Reply> list(UseCases& use, const Request& request) {
  const auto caller = use.authenticator.require(request, {Role::admin});
  if (!caller) co_return fail(caller.error());
  const auto query = read_query(request);
  if (!query) co_return fail(query.error());
  auto accounts = co_await use.directory.list(*query);
  if (!accounts) co_return fail(accounts.error());
  const bool more = accounts->size() == static_cast<std::size_t>(query->limit);
  if (more) accounts->pop_back();
  const auto last = more ? accounts->back().account.id.text() : std::string();
  co_return http::list_reply(request, *accounts, last, append_listed);
}

Task<Reply> show(UseCases& use, const Request& request) {
  const auto caller = use.authenticator.require(request, {Role::admin});
  if (!caller) co_return fail(caller.error());
  const auto id = UserId::parse(request.parameters[0]);
  if (!id) co_return fail(no_such_account());
  const auto account = co_await use.directory.find(*id);
  if (!account) co_return fail(account.error());
  co_return listed_reply(*account);
}

struct Patch {
  std::optional<Role> role;
  std::optional<bool> locked;
};

Result<Patch> read_patch(const Request& request) {
  const auto json = wire::parse_json(request.body);
  if (!json) return fail(json.error());
  wire::ObjectReader reader(*json);
  Patch patch;
  if (reader.has("role")) {
    const std::string name = reader.text("role", 1, 20);
    patch.role = parse_role(name);
    if (!name.empty() && !patch.role) reader.refuse("role", "value", "must be customer, seller or admin");
  }
  if (const auto* locked = reader.member("locked", false)) {
    if (locked->is_bool())
      patch.locked = locked->get_bool();
    else
      reader.refuse("locked", "type", "must be true or false");
  }
  if (const auto ok = reader.finish(); !ok) return fail(ok.error());
  return patch;
}

Task<> set_locked(UseCases& use, UserId admin, UserId user, bool locked) {
  if (!locked) {
    const auto unlocked = co_await use.directory.unlock(admin, user);
    co_return unlocked;
  }
  const auto ended = co_await use.directory.lock(admin, user, use.clock.now());
  if (!ended) co_return fail(ended.error());
  use.sessions.deny(*ended);
  co_return Result<>();
}

Task<Reply> change(UseCases& use, const Request& request) {
  const auto caller = use.authenticator.require(request, {Role::admin});
  if (!caller) co_return fail(caller.error());
  const auto id = UserId::parse(request.parameters[0]);
  if (!id) co_return fail(no_such_account());
  const auto patch = read_patch(request);
  if (!patch) co_return fail(patch.error());
  if (*id == caller->user)
    co_return fail(Code::forbidden, "an administrator's own account is changed by another one");
  const auto known = co_await use.directory.find(*id);
  if (!known) co_return fail(known.error());
  if (patch->role) {
    const auto changed = co_await use.change_role.run(caller->user, *id, *patch->role);
    if (!changed) co_return fail(changed.error());
  }
  if (patch->locked) {
    const auto locked = co_await set_locked(use, caller->user, *id, *patch->locked);
    if (!locked) co_return fail(locked.error());
  }
  const auto account = co_await use.directory.find(*id);
  if (!account) co_return fail(account.error());
  co_return listed_reply(*account);
}

void append_entry(wire::JsonWriter& json, const AuditEntry& entry) {
  json.begin_object().member("id", entry.id.text()).member("at", entry.at);
  json.member("actorId", entry.actor.text())
      .member("role", text_of(entry.role))
      .member("action", entry.action);
  json.member_or_null("subject", entry.subject).member("detail", entry.detail);
  json.member("status", entry.status == 0 ? std::nullopt : std::optional(entry.status)).end_object();
}

Task<Reply> list_audit(UseCases& use, const Request& request) {
  const auto caller = use.authenticator.require(request, {Role::admin});
  if (!caller) co_return fail(caller.error());
  const auto page = http::page_of(request);
  if (!page) co_return fail(page.error());
  const auto actor = http::id_parameter<UserId>(request, "actorId");
  if (!actor) co_return fail(actor.error());
  const auto before = http::before_of<AuditId>(*page);
  if (!before) co_return fail(before.error());
  auto entries = co_await use.audit.list(*before, *actor, page->limit + 1);
  if (!entries) co_return fail(entries.error());
  co_return http::page_reply(request, std::move(*entries), page->limit, append_entry);
}

}  // namespace

void add_admin_user_routes(http::Router& router, const AdminUserParts& parts, const std::string& base) {
  auth::Routes routes(router, base, std::make_shared<UseCases>(parts), parts.authenticator);
  routes.add(Method::get, "/users", Access::admins, list, {"limit", "cursor", "email", "role", "locked"});
  routes.add(Method::get, "/users/{id}", Access::admins, show);
  routes.add(Method::patch, "/users/{id}", Access::admins, change);
  routes.add(Method::get, "/audit", Access::admins, list_audit, {"limit", "cursor", "actorId"});
}

}  // namespace market::user
