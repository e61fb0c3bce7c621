#include "services/platform/api_docs.hpp"

#include "services/platform/docs_page.hpp"

namespace market::embedded {
std::string_view openapi_json();
std::string_view postman_json();
std::string_view docs_page();
std::string_view docs_start();
std::string_view docs_style();
std::string_view viewer_style();
std::string_view viewer_script();
std::string_view viewer_notices();
std::string_view viewer_license();
std::string_view viewer_notice();
}  // namespace market::embedded

namespace market::platform {
namespace {

using http::Method;
using http::Reply;
using http::Request;

/// Scripts from this server only, none inline; the viewer draws its icons from data: addresses, and its
/// components set style attributes.
constexpr std::string_view page_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' "
    "data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

Task<Reply> serve(const EmbeddedFile& file, const Request& request) {
  co_return file.answer(request);
}

}  // namespace

Task<Reply> lead_to(std::string address) {
  Reply reply;
  reply.status = http::Status::found;
  reply.headers.push_back(http::Header{"Location", std::move(address)});
  co_return reply;
}

void add_docs_routes(http::Router& router) {
  http::RouteOptions page;
  page.any_query = true;  // Whoever links to it may add what he likes.
  const auto add = [&router, &page](std::string path, std::string_view type, std::string_view bytes,
                                    std::string_view policy = {}) {
    const auto file = std::make_shared<const EmbeddedFile>(type, bytes, policy);
    router.add(
        Method::get, std::move(path), [file](const Request& r) { return serve(*file, r); }, page);
  };
  constexpr std::string_view script = "text/javascript; charset=utf-8", style = "text/css; charset=utf-8",
                             text = "text/plain; charset=utf-8";
  for (const auto& [path, json] : {std::pair("/openapi.json", embedded::openapi_json()),
                                   std::pair("/postman.json", embedded::postman_json())}) {
    const auto file = std::make_shared<const EmbeddedFile>(http::json_type, json, "");
    router.add(Method::get, path, [file](const Request& r) { return serve(*file, r); });
  }
  add("/docs", "text/html; charset=utf-8", embedded::docs_page(), page_policy);
  add("/docs/start.js", script, embedded::docs_start());
  add("/docs/style.css", style, embedded::docs_style());
  add("/docs/viewer.css", style, embedded::viewer_style());
  add("/docs/viewer.js", script, embedded::viewer_script());
  add("/docs/viewer.js.LICENSE.txt", text, embedded::viewer_notices());
  add("/docs/LICENSE", text, embedded::viewer_license());
  add("/docs/NOTICE", text, embedded::viewer_notice());
  router.add(
      Method::get, "/docs/", [](const Request&) { return lead_to("/docs"); }, page);
}

}  // namespace market::platform
