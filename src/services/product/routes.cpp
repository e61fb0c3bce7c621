#include "services/product/routes.hpp"

#include <fmt/format.h>

#include "http/message/conditional.hpp"
#include "http/message/paging.hpp"
#include "http/message/sse.hpp"
#include "services/product/change_turns.hpp"
#include "services/product/listing.hpp"
#include "services/product/open_pictures.hpp"
#include "services/product/product_body.hpp"
#include "services/product/product_image.hpp"
#include "services/product/stock_streams.hpp"
#include "wire/json/json.hpp"

namespace market::product {
namespace {

using http::Method;
using http::Reply;
using http::Request;

struct Doors {
  Doors(const ProductParts& given, std::string base)
      : parts(given), streams(given.catalogue, given.clock), location(std::move(base) + "/products/") {}
  ProductParts parts;
  mutable ChangeTurns turns;
  mutable OpenPictures pictures;
  StockStreams streams;
  std::string location;
};

Error no_such_product() {
  return Error(Code::product_not_found, "there is no such product");
}

/// Valid until this thread asks the catalogue again: never across a co_await.
Result<const CatalogueEntry*> entry_of(const Doors& doors, const Request& request) {
  const auto id = ProductId::parse(request.parameters[0]);
  const CatalogueEntry* entry = id ? doors.parts.catalogue.find(*id) : nullptr;
  if (entry == nullptr) return fail(no_such_product());
  return entry;
}

/// The product, if the caller may change it. Another seller's product is not there for a seller.
Result<CatalogueEntry> own_entry_of(const Doors& doors, const Request& request) {
  const auto caller = doors.parts.authenticator.require(request, {Role::seller, Role::admin});
  if (!caller) return fail(caller.error());
  const auto entry = entry_of(doors, request);
  if (!entry) return fail(entry.error());
  if (caller->role != Role::admin && (*entry)->terms.seller != caller->user) return fail(no_such_product());
  return **entry;
}

Reply page_reply(const Doors& doors, http::Status status, const CatalogueEntry& entry) {
  std::string body;
  doors.parts.catalogue.append_page(body, entry);
  Reply reply = http::json(status, std::move(body));
  reply.headers.push_back(http::Header{"ETag", entry.view.etag()});
  return reply;
}

Result<Reply> get_product_now(const Doors& doors, const Request& request) {
  const auto entry = entry_of(doors, request);
  if (!entry) return fail(entry.error());
  return page_reply(doors, http::Status::ok, **entry);
}
Task<Reply> get_product(const Doors& doors, const Request& request) {
  co_return get_product_now(doors, request);
}

Task<Reply> get_stock(const Doors& doors, const Request& request) {
  const auto entry = entry_of(doors, request);
  if (!entry) co_return fail(entry.error());
  std::string body;
  wire::append_stock(body, doors.parts.catalogue.state_of(**entry), (*entry)->live->remaining.load(),
                     (*entry)->live->capacity.load(), doors.parts.clock.now());
  Reply reply = http::json(http::Status::ok, std::move(body));
  reply.headers.push_back(http::Header{"Cache-Control", "no-store"});
  co_return reply;
}

Task<Reply> get_stock_stream(const Doors& doors, const Request& request) {
  const auto entry = entry_of(doors, request);
  if (!entry) co_return fail(entry.error());
  const ProductId product = (*entry)->text.id;
  Reply reply;
  reply.content_type = http::event_stream_type;
  reply.headers.push_back(http::Header{"Cache-Control", "no-store"});
  reply.stream = [&doors, product](http::Stream& stream) { return doors.streams.serve(product, stream); };
  co_return reply;
}

constexpr std::size_t search_bytes_max = 800,
                      category_bytes_max = 400;  ///< 200 and 100 characters of any kind.

Result<std::optional<std::string>> bounded_parameter(const Request& request, std::string_view name,
                                                     std::size_t bytes_max) {
  auto value = request.query_parameter(name);
  if (value && *value && (*value)->size() > bytes_max)
    return invalid_field(std::string(name), "length", fmt::format("{} is too long", name));
  return value;
}

Result<ListQuery> read_list_query(const Request& request) {
  const auto known = request.expect_query({"limit", "cursor", "search", "category", "kind", "sort"});
  if (!known) return fail(known.error());
  const auto page = http::page_of(request);
  if (!page) return fail(page.error());
  ListQuery query;
  query.limit = static_cast<std::size_t>(page->limit);
  if (const auto ok = read_cursor(page->cursor, query); !ok) return fail(ok.error());
  const auto search = bounded_parameter(request, "search", search_bytes_max);
  if (!search) return fail(search.error());
  const auto category = bounded_parameter(request, "category", category_bytes_max);
  if (!category) return fail(category.error());
  const auto kind = request.query_parameter("kind");
  if (!kind) return fail(kind.error());
  const auto sort = request.query_parameter("sort");
  if (!sort) return fail(sort.error());
  query.search = fold_case(search->value_or(""));
  query.category = category->value_or("");
  if (*kind) {
    if (**kind != "regular" && **kind != "event")
      return invalid_field("kind", "format", "kind must be regular or event");
    query.kind = **kind == "event" ? ProductKind::event : ProductKind::regular;
  }
  const std::string order = sort->value_or("newest");
  if (order == "newest")
    query.sort = SortBy::newest;
  else if (order == "price")
    query.sort = SortBy::price_rising;
  else if (order == "-price")
    query.sort = SortBy::price_falling;
  else if (order == "opening")
    query.sort = SortBy::opening;
  else
    return invalid_field("sort", "format", "sort must be newest, price, -price or opening");
  return query;
}

Task<Reply> list(const Doors& doors, const Request& request) {
  const auto query = read_list_query(request);
  if (!query) co_return fail(query.error());
  Result<ListPage> page = ListPage{};
  if (query->is_plain()) {
    page = list_products(doors.parts.catalogue, *query);
  } else {
    const Catalogue& catalogue = doors.parts.catalogue;
    auto scan = [&catalogue, wanted = *query]() -> Result<ListPage> {
      return list_products(catalogue, wanted);
    };
    page = co_await doors.parts.pool.run(std::move(scan));
    if (!page) co_return fail(page.error());
  }
  std::string body = "{\"items\":[";
  for (const auto& entry : page->entries) {
    if (body.back() != '[') body += ',';
    doors.parts.catalogue.append_page(body, *entry);
  }
  body += "],\"nextCursor\":";
  body += page->next_cursor.empty() ? std::string("null}") : '"' + page->next_cursor + "\"}";
  co_return http::json(http::Status::ok, std::move(body));
}

/// Shows `text` with the gate's terms and answers the page.
Result<Reply> show(const Doors& doors, http::Status status, ProductText text) {
  const ProductId id = text.id;
  if (const auto shown = doors.parts.catalogue.put(std::move(text)); !shown) return fail(shown.error());
  const CatalogueEntry* entry = doors.parts.catalogue.find(id);
  if (entry == nullptr) return fail(no_such_product());
  return page_reply(doors, status, *entry);
}

Task<Reply> create(const Doors& doors, const Request& request) {
  const auto caller = doors.parts.authenticator.require(request, {Role::seller, Role::admin});
  if (!caller) co_return fail(caller.error());
  auto product = read_new_product(request.body);
  if (!product) co_return fail(product.error());
  ProductText text = std::move(product->text);
  text.id = doors.parts.ids.next_as<ProductId>();
  text.created_at = text.updated_at = doors.parts.clock.now();
  product->terms.seller = caller->user;
  // The text first: a product in the log without a text would have no name.
  const auto stored = co_await doors.parts.texts.store(text);
  if (!stored) co_return fail(stored.error());
  Command command = ListProduct{text.id, std::move(product->terms), product->stock};
  const auto listed = co_await doors.parts.gate.submit(std::move(command));
  if (!listed) co_return fail(listed.error());
  const std::string id = text.id.text();
  auto reply = show(doors, http::Status::created, std::move(text));
  if (reply) reply->headers.push_back(http::Header{"Location", doors.location + id});
  co_return reply;
}

Task<Reply> patch(const Doors& doors, const Request& request) {
  const auto before = own_entry_of(doors, request);
  if (!before) co_return fail(before.error());
  const auto turn = co_await doors.turns.take(before->text.id);
  if (!turn) co_return fail(turn.error());
  const auto entry = own_entry_of(doors, request);  // Another change may have come first.
  if (!entry) co_return fail(entry.error());
  const auto match = http::if_match(request, entry->view.etag());
  if (match == http::IfMatch::malformed) co_return fail(Code::bad_request, "If-Match is no list of ETags");
  if (match == http::IfMatch::fails)
    co_return fail(Code::precondition_failed, "the product has changed; read it again");
  ProductText text = entry->text;
  ProductTerms terms = entry->terms;
  const auto read = read_product_patch(request.body, text, terms);
  if (!read) co_return fail(read.error());
  text.updated_at = doors.parts.clock.now();
  if (terms != entry->terms) {
    Command command = ChangeProduct{text.id, std::move(terms)};
    const auto changed = co_await doors.parts.gate.submit(std::move(command));
    if (!changed) co_return fail(changed.error());
  }
  const auto stored = co_await doors.parts.texts.store(text);
  auto shown = show(doors, http::Status::ok, stored ? std::move(text) : entry->text);
  if (!stored) co_return fail(stored.error());  // The new terms hold all the same, and are shown.
  co_return shown;
}

Task<Reply> withdraw(const Doors& doors, const Request& request) {
  const auto before = own_entry_of(doors, request);
  if (!before) co_return fail(before.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  const auto turn = co_await doors.turns.take(before->text.id);
  if (!turn) co_return fail(turn.error());
  const auto entry = own_entry_of(doors, request);
  if (!entry) co_return fail(entry.error());
  ProductTerms terms = entry->terms;
  terms.withdrawn = true;
  Command command = ChangeProduct{entry->text.id, std::move(terms)};
  const auto changed = co_await doors.parts.gate.submit(std::move(command));
  if (!changed) co_return fail(changed.error());
  const auto shown = doors.parts.catalogue.put(entry->text);
  if (!shown) co_return fail(shown.error());
  co_return http::no_content();
}

Task<Reply> adjust_stock(const Doors& doors, const Request& request) {
  const auto entry = own_entry_of(doors, request);
  if (!entry) co_return fail(entry.error());
  auto change = read_stock_change(request.body);
  if (!change) co_return fail(change.error());
  Command command = AdjustStock{entry->text.id, change->delta, std::move(change->reason)};
  const auto adjusted = co_await doors.parts.gate.submit(std::move(command));
  if (!adjusted) co_return fail(adjusted.error());
  const ProductStock stock = adjusted->stock.value_or(ProductStock{});
  const Instant now = doors.parts.clock.now();
  std::string body;
  wire::append_stock(body, sale_state(entry->terms, stock.remaining, now), stock.remaining, stock.capacity,
                     now);
  co_return http::json(http::Status::ok, std::move(body));
}

Task<Reply> put_image(const Doors& doors, const Request& request) {
  const auto before = own_entry_of(doors, request);
  if (!before) co_return fail(before.error());
  auto image = read_image(request);
  if (!image) co_return fail(image.error());
  const auto turn = co_await doors.turns.take(before->text.id);
  if (!turn) co_return fail(turn.error());
  const auto entry = own_entry_of(doors, request);
  if (!entry) co_return fail(entry.error());
  ProductText text = entry->text;
  text.image_url = image_url_of(doors.location + text.id.text(), image->bytes);
  text.updated_at = doors.parts.clock.now();
  const auto stored = co_await doors.parts.texts.store_image(text, std::move(*image));
  if (!stored) co_return fail(stored.error());
  const std::string body = fmt::format(R"({{"imageUrl":"{}"}})", text.image_url);
  const auto shown = doors.parts.catalogue.put(std::move(text));
  if (!shown) co_return fail(shown.error());
  co_return http::json(http::Status::ok, body);
}

Task<Reply> get_image(const Doors& doors, const Request& request) {
  const auto entry = entry_of(doors, request);
  if (!entry) co_return fail(entry.error());
  const std::string url = (*entry)->text.image_url;
  if (url.empty()) co_return fail(Code::not_found, "the product has no picture");
  const std::string etag = '"' + url.substr(url.find('=') + 1) + '"';
  Reply reply;
  reply.headers.push_back(http::Header{"ETag", etag});
  reply.headers.push_back(http::Header{"Cache-Control", "public, max-age=86400"});
  if (http::none_match(request, etag)) co_return http::not_modified(std::move(reply));
  const ProductId product = (*entry)->text.id;
  auto picture = doors.pictures.find(url);
  if (!picture) {
    auto image = co_await doors.parts.texts.load_image(product);
    if (!image) co_return fail(image.error());
    picture = doors.pictures.share(url, std::make_shared<const std::string>(std::move(image->bytes)));
  }
  reply.content_type = image_type_of(*picture);
  reply.shared_body = std::move(picture);
  co_return reply;
}

}  // namespace

void add_product_routes(http::Router& router, const ProductParts& parts, const std::string& base) {
  auto doors = std::make_shared<const Doors>(parts, base);
  const std::string all = base + "/products", one = all + "/{id}";
  router.add(Method::get, all, [doors](const Request& r) { return list(*doors, r); });
  router.add(Method::post, all, [doors](const Request& r) { return create(*doors, r); });
  router.add(Method::get, one, [doors](const Request& r) { return get_product(*doors, r); });
  router.add(Method::patch, one, [doors](const Request& r) { return patch(*doors, r); });
  router.add(Method::del, one, [doors](const Request& r) { return withdraw(*doors, r); });
  router.add(Method::get, one + "/stock", [doors](const Request& r) { return get_stock(*doors, r); });
  router.add(Method::post, one + "/stock", [doors](const Request& r) { return adjust_stock(*doors, r); });
  http::RouteOptions picture;
  picture.body_bytes_max = image_bytes_max;
  picture.json_body = false;
  router.add(
      Method::put, one + "/image", [doors](const Request& r) { return put_image(*doors, r); }, picture);
  router.add(Method::get, one + "/image", [doors](const Request& r) { return get_image(*doors, r); });
  router.add(Method::get, one + "/stock/stream",
             [doors](const Request& r) { return get_stock_stream(*doors, r); });
}

}  // namespace market::product
