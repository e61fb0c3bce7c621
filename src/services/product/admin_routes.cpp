#include "services/product/admin_routes.hpp"

#include <fmt/format.h>

#include <map>

#include "http/message/client_address.hpp"
#include "http/message/paging.hpp"
#include "services/auth/routes.hpp"
#include "services/product/edit_product.hpp"
#include "services/product/listing.hpp"
#include "services/product/sale_control.hpp"
#include "wire/json/json.hpp"

namespace market::product {
namespace {

using auth::Access;
using http::Method;
using http::Reply;
using http::Request;

struct UseCases {
  explicit UseCases(const AdminProductParts& given)
      : parts(given), catalogue(given.board, given.clock), edits(given.board, given.gate, given.catch_up) {}
  AdminProductParts parts;
  Catalogue catalogue;
  EditProduct edits;
};

Error no_such_product() {
  return Error(Code::product_not_found, "there is no such product");
}

Result<> expect_admin(const UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.require(request, {Role::admin});
  if (!caller) return fail(caller.error());
  return {};
}

/// For administrators, of any product.
Result<ProductId> product_of(const UseCases& use, const Request& request) {
  if (const auto allowed = expect_admin(use, request); !allowed) return fail(allowed.error());
  const auto id = ProductId::parse(request.parameters[0]);
  const ShownProduct* product = id ? use.parts.board.find(*id) : nullptr;
  if (product == nullptr || product->terms.withdrawn) return fail(no_such_product());
  return *id;
}

Result<ListQuery> read_list_query(const Request& request) {
  const auto page = http::page_of(request);
  if (!page) return fail(page.error());
  const auto search = request.query_parameter("search");
  if (!search) return fail(search.error());
  constexpr std::size_t search_bytes_max = 800;
  if (*search && (*search)->size() > search_bytes_max)
    return invalid_field("search", "length", "search is too long");
  ListQuery query;
  query.limit = static_cast<std::size_t>(page->limit);
  query.hidden = true;
  query.search = search->value_or("");
  query.words = SearchQuery(query.search);
  if (const auto ok = read_cursor(page->cursor, query); !ok) return fail(ok.error());
  return query;
}

/// Newest first, those that are not public too. `seller`: of this one alone.
Task<Reply> list_of(const UseCases& use, const Request& request, UserId seller) {
  auto query = read_list_query(request);
  if (!query) co_return fail(query.error());
  query->seller = seller;
  const Instant now = use.parts.clock.now();
  const auto page =
      co_await list_in_turn(use.parts.board, *query, now, use.parts.lanes, request.remote_address);
  if (!page) co_return fail(page.error());
  co_return http::list_reply(
      request, page->products, page->next_cursor,
      [&use](wire::JsonWriter& json, const auto& product) { json.value(use.catalogue.json_of(*product)); });
}

Task<Reply> refused(Error error) {
  co_return fail(std::move(error));
}

Task<Reply> list(const UseCases& use, const Request& request) {
  const auto allowed = expect_admin(use, request);
  return allowed ? list_of(use, request, UserId()) : refused(allowed.error());
}

Task<Reply> list_own(const UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.require(request, {Role::seller, Role::admin});
  return caller ? list_of(use, request, caller->user) : refused(caller.error());
}

Task<Reply> show_preflight(const UseCases& use, const Request& request) {
  const auto id = product_of(use, request);
  if (!id) co_return fail(id.error());
  const ShownProduct* product = use.parts.board.find(*id);
  if (product == nullptr) co_return fail(no_such_product());
  bool ready = true;
  std::string body;
  wire::JsonWriter json(body);
  json.begin_object().key("checks").begin_array();
  const auto checks = preflight(product->terms, product->texts, product->live->remaining.load(),
                                use.parts.board.recovering(), use.parts.clock.now());
  for (const SaleCheck& check : checks) {
    ready = ready && (check.ok || !check.needed);
    json.begin_object().member("name", check.name).member("ok", check.ok).member("needed", check.needed);
    json.member("detail", check.detail).end_object();
  }
  json.end_array().member("ready", ready).end_object();
  co_return http::json(http::Status::ok, std::move(body));
}

Task<Reply> edit_sale(const UseCases& use, ProductId id, Edit edit) {
  const auto edited = co_await use.edits.run(id, std::move(edit), false);
  if (!edited) co_return fail(edited.error());
  const ShownProduct* product = use.parts.board.find(id);
  if (product == nullptr) co_return fail(no_such_product());
  std::string body;
  use.catalogue.append_page(body, *product, use.catalogue.state_of(*product));
  co_return http::json(http::Status::ok, std::move(body));
}

Task<Reply> pause(const UseCases& use, const Request& request) {
  const auto id = product_of(use, request);
  if (!id) return refused(id.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) return refused(ok.error());
  return edit_sale(use, *id,
                   [now = use.parts.clock.now()](const ShownProduct&, ProductTerms& terms, ProductTexts&) {
                     return pause_sale(terms, now);
                   });
}

Task<Reply> extend(const UseCases& use, const Request& request) {
  const auto id = product_of(use, request);
  if (!id) return refused(id.error());
  const auto json = wire::parse_json(request.body);
  if (!json) return refused(json.error());
  wire::ObjectReader reader(*json);
  std::optional<Instant> closes_at;
  if (!reader.is_null("closesAt")) closes_at = reader.time("closesAt");
  if (const auto ok = reader.finish(); !ok) return refused(ok.error());
  return edit_sale(
      use, *id,
      [now = use.parts.clock.now(), closes_at](const ShownProduct&, ProductTerms& terms, ProductTexts&) {
        return extend_sale(terms, closes_at, now);
      });
}

/// How many public products each category has; by name.
Task<Reply> list_categories(const UseCases& use, const Request& request) {
  auto count = [&board = use.parts.board,
                now = use.parts.clock.now()]() -> Result<std::map<std::string, int>> {
    std::map<std::string, int> counts;
    const auto all = board.all();  // Held: a product that is listed meanwhile makes another list.
    for (const auto& product : *all)
      if (is_public(product->terms, now) && !product->texts.category.empty())
        ++counts[product->texts.category];
    return counts;
  };
  auto whose = std::to_string(http::address_bucket(request.remote_address));
  const auto counts = co_await use.parts.lanes.sorting.run(std::move(whose), std::move(count));
  if (!counts) co_return fail(counts.error());
  // In hexadecimal: names are in the order of their bytes, and URLs do not take all of these.
  const auto key = [](const auto& category) {
    std::string text;
    for (const char byte : category.first)
      fmt::format_to(std::back_inserter(text), "{:02x}", static_cast<unsigned char>(byte));
    return text;
  };
  co_return http::held_list_reply(request, *counts, key, [](wire::JsonWriter& json, const auto& category) {
    json.begin_object().member("name", category.first).member("products", category.second).end_object();
  });
}

}  // namespace

void add_admin_product_routes(http::Router& router, const AdminProductParts& parts) {
  auth::Routes routes(router, api_base, std::make_shared<const UseCases>(parts), parts.authenticator);
  routes.add(Method::get, "/categories", Access::anyone, list_categories, {"limit", "cursor"});
  routes.add(Method::get, "/admin/products", Access::admins, list, {"limit", "cursor", "search"});
  routes.add(Method::get, "/seller/products", Access::sellers, list_own, {"limit", "cursor", "search"});
  routes.add(Method::get, "/admin/products/{id}/sale/preflight", Access::admins, show_preflight);
  routes.add(Method::post, "/admin/products/{id}/sale/pause", Access::admins, pause);
  routes.add(Method::post, "/admin/products/{id}/sale/extend", Access::admins, extend);
}

}  // namespace market::product
