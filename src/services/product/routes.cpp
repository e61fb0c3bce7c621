#include "services/product/routes.hpp"

#include <fmt/format.h>

#include "http/message/client_address.hpp"
#include "http/message/conditional.hpp"
#include "http/message/paging.hpp"
#include "http/message/sse.hpp"
#include "services/auth/request_key.hpp"
#include "services/auth/routes.hpp"
#include "services/product/edit_product.hpp"
#include "services/product/listing.hpp"
#include "services/product/product_body.hpp"
#include "services/product/product_image.hpp"
#include "services/product/scaled_pictures.hpp"
#include "services/product/seller_budget.hpp"
#include "services/product/stock_streams.hpp"
#include "wire/json/json.hpp"

namespace market::product {
namespace {

using auth::Access;
using http::Method;
using http::Reply;
using http::Request;

struct UseCases {
  explicit UseCases(const ProductParts& given)
      : parts(given),
        catalogue(given.board, given.clock),
        edits(given.board, given.gate, given.catch_up),
        pictures(given.pictures, given.picture_sizes, given.decoding, given.clock),
        streams(catalogue, parts.authenticator),
        budgets(given.budgets) {}
  ProductParts parts;
  Catalogue catalogue;
  EditProduct edits;
  mutable ScaledPictures pictures;
  StockStreams streams;
  mutable SellerBudgets budgets;
};

Error no_such_product() {
  return Error(Code::product_not_found, "there is no such product");
}

/// Whether the caller may know of a product before it is published.
bool sees_hidden(const wire::Identity& caller, const ShownProduct& product) {
  return caller.role == Role::admin || product.terms.seller == caller.user;
}

struct Seen {
  /// Valid until this thread asks the board again: never across a co_await.
  const ShownProduct* product;
  /// Who may see it although it is not published yet: nobody may keep the answer for others.
  std::optional<wire::Identity> insider;
};

/// The product, if it is there for this caller.
Result<Seen> product_of(const UseCases& use, const Request& request) {
  const auto id = ProductId::parse(request.parameters[0]);
  const ShownProduct* product = id ? use.parts.board.find(*id) : nullptr;
  if (product == nullptr || product->terms.withdrawn) return fail(no_such_product());
  if (is_public(product->terms, use.parts.clock.now())) return Seen{product, std::nullopt};
  const auto caller = use.parts.authenticator.identify(request);
  if (!caller || !sees_hidden(*caller, *product)) return fail(no_such_product());
  return Seen{product, *caller};
}

struct OwnProduct {
  ProductId id;
  UserId caller;
  Role role;
};

/// A product that the caller may change. Another seller's product is not there for a seller; whose it is
/// never changes.
Result<OwnProduct> own_product_of(const UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.require(request, {Role::seller, Role::admin});
  if (!caller) return fail(caller.error());
  const auto id = ProductId::parse(request.parameters[0]);
  const ShownProduct* product = id ? use.parts.board.find(*id) : nullptr;
  if (product == nullptr || product->terms.withdrawn) return fail(no_such_product());
  if (!sees_hidden(*caller, *product)) return fail(no_such_product());
  return OwnProduct{*id, caller->user, caller->role};
}

Reply page_reply(const UseCases& use, http::Status status, const ShownProduct& product) {
  const SaleStateName state = use.catalogue.state_of(product);
  std::string body;
  use.catalogue.append_page(body, product, state);
  Reply reply = http::json(status, std::move(body));
  reply.headers.push_back(http::Header{"ETag", page_of(product).view.etag(state)});
  return reply;
}

/// The page as it is after a change.
Result<Reply> changed_page(const UseCases& use, http::Status status, ProductId id) {
  const ShownProduct* product = use.parts.board.find(id);
  if (product == nullptr || product->terms.withdrawn) return fail(no_such_product());
  return page_reply(use, status, *product);
}

/// `after`: the numbers that a command has left, when it is about those; else the live ones.
Reply stock_reply(const UseCases& use, const ShownProduct& product,
                  const std::optional<ProductStock>& after = {}) {
  std::string body;
  if (after)
    wire::append_stock(body, sale_state(product.terms, after->remaining, use.catalogue.now()),
                       is_paused(product.terms), after->remaining, after->capacity, use.catalogue.now());
  else
    use.catalogue.append_stock(body, product);
  Reply reply = http::json(http::Status::ok, std::move(body));
  reply.headers.push_back(http::Header{"Cache-Control", "no-store"});
  return reply;
}

void say_if_replayed(Reply& reply, const Submitted& submitted) {
  if (submitted.replayed) reply.headers.push_back(http::Header{"Idempotency-Replayed", "true"});
}

Result<Reply> get_product_now(const UseCases& use, const Request& request) {
  const auto seen = product_of(use, request);
  if (!seen) return fail(seen.error());
  return page_reply(use, http::Status::ok, *seen->product);
}
Task<Reply> get_product(const UseCases& use, const Request& request) {
  co_return get_product_now(use, request);
}

Task<Reply> get_stock(const UseCases& use, const Request& request) {
  const auto seen = product_of(use, request);
  if (!seen) co_return fail(seen.error());
  co_return stock_reply(use, *seen->product);
}

Task<Reply> get_stock_stream(const UseCases& use, const Request& request) {
  const auto seen = product_of(use, request);
  if (!seen) co_return fail(seen.error());
  Reply reply;
  reply.content_type = http::event_stream_type;
  reply.headers.push_back(http::Header{"Cache-Control", "no-store"});
  reply.stream = [&use, product = seen->product->id, insider = seen->insider,
                  known = std::string(request.header("Last-Event-ID"))](http::Stream& stream) {
    return use.streams.serve(product, insider, known, stream);
  };
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
  const auto page = http::page_of(request);
  if (!page) return fail(page.error());
  ListQuery query;
  query.limit = static_cast<std::size_t>(page->limit);
  const auto search = bounded_parameter(request, "search", search_bytes_max);
  if (!search) return fail(search.error());
  const auto category = bounded_parameter(request, "category", category_bytes_max);
  if (!category) return fail(category.error());
  const auto kind = request.query_parameter("kind");
  if (!kind) return fail(kind.error());
  const auto currency = request.query_parameter("currency");
  if (!currency) return fail(currency.error());
  if (*currency) {
    const auto one = Currency::parse(**currency);
    if (!one || !one->minor_digits())
      return invalid_field("currency", "format", "currency must be a code of ISO 4217, such as KRW");
    query.currency = *one;
  }
  const auto sort = request.query_parameter("sort");
  if (!sort) return fail(sort.error());
  query.search = search->value_or("");
  query.words = SearchQuery(query.search);
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
  if (const auto ok = read_cursor(page->cursor, query); !ok) return fail(ok.error());
  return query;
}

Task<Reply> list(const UseCases& use, const Request& request) {
  auto query = read_list_query(request);
  if (!query) co_return fail(query.error());
  if (const auto caller = use.parts.authenticator.identify(request)) {
    query->viewer = caller->user;
    query->sees_all = caller->role == Role::admin;
  }
  const ProductBoard& board = use.parts.board;
  const Instant now = use.parts.clock.now();
  Result<ListPage> page = ListPage{};
  if (query->is_plain()) {
    page = list_products(board, *query, now);
  } else {
    page = co_await list_in_turn(board, *query, now, use.parts.lanes, request.remote_address);
    if (!page) co_return fail(page.error());
  }
  co_return http::list_reply(
      request, page->products, page->next_cursor,
      [&use](wire::JsonWriter& json, const auto& product) { json.value(use.catalogue.json_of(*product)); });
}

Task<Reply> create(const UseCases& use, const Request& request) {
  const auto caller = use.parts.authenticator.require(request, {Role::seller, Role::admin});
  if (!caller) co_return fail(caller.error());
  auto product = read_new_product(request.body);
  if (!product) co_return fail(product.error());
  const Instant now = use.parts.clock.now();
  const auto room = use.budgets.take_texts(caller->user, caller->role, request.body.size(), now);
  if (!room) co_return fail(room.error());
  product->terms.seller = caller->user;
  Command command = ListProduct{std::move(product->terms), std::move(product->texts), product->stock};
  const auto bound = auth::bind_request_key(command, request, caller->user, request.body);
  if (!bound) co_return fail(bound.error());
  const auto listed = co_await use.parts.gate.submit(std::move(command));
  if (!listed) co_return fail(listed.error());
  auto reply = changed_page(use, http::Status::created, listed->product());
  if (!reply) co_return reply;
  reply->headers.push_back(
      http::Header{"Location", fmt::format("{}/products/{}", api_base, listed->product().text())});
  say_if_replayed(*reply, *listed);
  co_return reply;
}

/// Whether If-Match allows a change of this version. Errors: bad_request, precondition_failed.
Result<> expect_match(const Request& request, std::string_view version,
                      std::string_view what = "the product") {
  const auto match = http::if_match(request, version);
  if (match == http::IfMatch::malformed) return fail(Code::bad_request, "If-Match is no list of ETags");
  if (match == http::IfMatch::fails)
    return fail(Code::precondition_failed, fmt::format("{} has changed; read it again", what));
  return {};
}

/// Whether an edit is of this very version, so that it is not tried again on the next one.
bool names_version(const Request& request) {
  return request.has_header("If-Match") && request.only_header("If-Match") != "*";
}

Task<Reply> patch(const UseCases& use, const Request& request) {
  const auto own = own_product_of(use, request);
  if (!own) co_return fail(own.error());
  const Instant now = use.parts.clock.now();
  const auto room = use.budgets.take_texts(own->caller, own->role, request.body.size(), now);
  if (!room) co_return fail(room.error());
  auto edit = [&request](const ShownProduct& now, ProductTerms& terms, ProductTexts& texts) -> Result<> {
    if (auto ok = expect_match(request, std::to_string(now.version)); !ok) return ok;
    return read_product_patch(request.body, terms, texts);
  };
  const auto edited = co_await use.edits.run(own->id, std::move(edit), names_version(request));
  if (!edited) co_return fail(edited.error());
  co_return changed_page(use, http::Status::ok, own->id);
}

Task<Reply> withdraw(const UseCases& use, const Request& request) {
  const auto own = own_product_of(use, request);
  if (!own) co_return fail(own.error());
  if (const auto ok = wire::expect_no_members(request.body); !ok) co_return fail(ok.error());
  auto edit = [&request](const ShownProduct& now, ProductTerms& terms, ProductTexts&) -> Result<> {
    if (auto ok = expect_match(request, std::to_string(now.version)); !ok) return ok;
    terms.withdrawn = true;
    return {};
  };
  const auto edited = co_await use.edits.run(own->id, std::move(edit), names_version(request));
  if (!edited) co_return fail(edited.error());
  co_return http::no_content();
}

Task<Reply> adjust_stock(const UseCases& use, const Request& request) {
  const auto own = own_product_of(use, request);
  if (!own) co_return fail(own.error());
  auto change = read_stock_change(request.body);
  if (!change) co_return fail(change.error());
  Command command = AdjustStock{own->id, change->delta, std::move(change->reason)};
  const auto bound = auth::bind_request_key(command, request, own->caller, request.body);
  if (!bound) co_return fail(bound.error());
  const auto adjusted = co_await use.parts.gate.submit(std::move(command));
  if (!adjusted) co_return fail(adjusted.error());
  const ShownProduct* product = use.parts.board.find(own->id);
  if (product == nullptr) co_return fail(no_such_product());
  Reply reply = stock_reply(use, *product, adjusted->stock);
  say_if_replayed(reply, *adjusted);
  co_return reply;
}

Task<Reply> put_image(const UseCases& use, const Request& request) {
  const auto own = own_product_of(use, request);
  if (!own) co_return fail(own.error());
  if (const auto image = expect_image(request); !image) co_return fail(image.error());
  const Instant now = use.parts.clock.now();
  const auto room = use.budgets.take_picture(own->caller, own->role, request.body.size(), now);
  if (!room) co_return fail(room.error());
  const auto bytes = std::make_shared<const std::string>(request.body);
  auto decode = [bytes]() -> Result<> {
    const auto image = wire::decode_image(*bytes);
    if (!image) return fail(image.error());
    return {};
  };
  auto seller = "seller " + own->caller.text();
  const auto whole = co_await use.parts.decoding.run(std::move(seller), std::move(decode));
  if (!whole) co_return fail(whole.error());
  // The bytes first: an event never names a picture that is not there.
  auto hash = co_await use.parts.pictures.store(bytes);
  if (!hash) co_return fail(hash.error());
  auto edit = [&request, picture = *hash](const ShownProduct& now, ProductTerms&,
                                          ProductTexts& texts) -> Result<> {
    if (auto ok = expect_match(request, image_version_of(now.texts.picture), "the picture"); !ok) return ok;
    texts.picture = picture;
    return {};
  };
  const auto edited = co_await use.edits.run(own->id, std::move(edit), names_version(request));
  if (!edited) co_return fail(edited.error());
  std::string body;
  wire::JsonWriter(body).begin_object().member("imageUrl", image_url_of(own->id, *hash)).end_object();
  co_return http::json(http::Status::ok, std::move(body));
}

Task<Reply> get_image(const UseCases& use, const Request& request) {
  const auto version = request.query_parameter("v");
  if (!version) co_return fail(version.error());
  const auto seen = product_of(use, request);
  if (!seen) co_return fail(seen.error());
  const auto width = image_width_of(request);
  if (!width) co_return fail(width.error());
  const std::string hash = seen->product->texts.picture;
  if (hash.empty()) co_return fail(Code::not_found, "the product has no picture");
  const std::string etag = *width == 0 ? fmt::format("\"{}\"", image_version_of(hash))
                                       : fmt::format("\"{}-{}\"", image_version_of(hash), *width);
  const std::string caching(seen->insider ? "private, no-store" : image_caching_of(hash, *version));
  Reply reply;
  // Other sites may show it: a page that embeds a shop's picture is no attack. One that is not public yet is
  // for its seller alone.
  if (!seen->insider) reply.headers.push_back(http::Header{"Cross-Origin-Resource-Policy", "cross-origin"});
  if (http::none_match(request, etag)) {
    reply.headers.push_back(http::Header{"ETag", etag});
    reply.headers.push_back(http::Header{"Cache-Control", caching});
    co_return http::not_modified(std::move(reply));
  }
  auto picture = co_await use.pictures.load(hash, *width);
  if (!picture) co_return fail(picture.error());
  // What is larger than asked for, for want of a smaller one, nobody keeps for it.
  if (picture->lasting) reply.headers.push_back(http::Header{"ETag", etag});
  reply.headers.push_back(http::Header{"Cache-Control", picture->lasting ? caching : "no-store"});
  reply.content_type = image_type_of(*picture->bytes);
  reply.shared_body = std::move(picture->bytes);
  co_return reply;
}

}  // namespace

void add_product_routes(http::Router& router, const ProductParts& parts) {
  auth::Routes routes(router, api_base, std::make_shared<const UseCases>(parts), parts.authenticator);
  routes.add(Method::get, "/products", Access::anyone, list,
             {"limit", "cursor", "search", "category", "kind", "currency", "sort"});
  routes.add(Method::post, "/products", Access::sellers, create);
  routes.add(Method::get, "/products/{id}", Access::anyone, get_product);
  routes.add(Method::patch, "/products/{id}", Access::sellers, patch);
  routes.add(Method::del, "/products/{id}", Access::sellers, withdraw);
  routes.add(Method::get, "/products/{id}/stock", Access::anyone, get_stock);
  routes.add(Method::post, "/products/{id}/stock", Access::sellers, adjust_stock);
  http::RouteOptions picture;
  picture.body_bytes_max = image_bytes_max;
  picture.json_body = false;
  picture.media_types = {"image/png", "image/jpeg", "image/webp", "application/octet-stream"};
  routes.add(Method::put, "/products/{id}/image", Access::sellers, put_image, {}, picture);
  routes.add(Method::get, "/products/{id}/image", Access::anyone, get_image, {"v", "width"});
  routes.add(Method::get, "/products/{id}/stock/stream", Access::anyone, get_stock_stream);
}

}  // namespace market::product
