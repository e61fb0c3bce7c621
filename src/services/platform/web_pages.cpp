#include "services/platform/web_pages.hpp"

#include <fmt/format.h>

#include <charconv>
#include <map>

#include "base/check.hpp"
#include "base/checksum.hpp"
#include "http/message/compression.hpp"
#include "http/message/conditional.hpp"
#include "services/platform/api_docs.hpp"
#include "services/platform/docs_page.hpp"

namespace market::embedded {
std::string_view web_pack();
}  // namespace market::embedded

namespace market::platform {
namespace {

using http::Header;
using http::Method;
using http::Reply;
using http::Request;

/// Scripts, styles and fonts of this server alone, nothing inline. Forms are sent by script, never by the
/// browser itself, so that a password cannot end up in an address.
constexpr std::string_view page_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The next word of `line`, up to a blank.
std::string_view take_word(std::string_view& line) {
  const auto end = line.find(' ');
  const auto word = line.substr(0, end);
  line = end == std::string_view::npos ? std::string_view() : line.substr(end + 1);
  return word;
}

std::string_view take_bytes(std::string_view word, std::string_view& bytes) {
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), size);
  check(error == std::errc() && end == word.data() + word.size() && size <= bytes.size(),
        "the web pack's sizes are right");
  const auto part = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return part;
}

std::shared_ptr<const std::string> shared(std::string_view bytes) {
  return bytes.empty() ? nullptr : std::make_shared<const std::string>(bytes);
}

Task<Reply> serve(const WebFile& file, const Request& request) {
  co_return file.answer(request);
}

using WebFiles = std::map<std::string, std::shared_ptr<const WebFile>, std::less<>>;

/// Pages are known by their addresses, not by the names of their files.
Task<Reply> serve_file(const WebFiles& files, std::string_view folder, const Request& request) {
  const auto found = files.find(fmt::format("{}{}", folder, request.parameters[0]));
  if (found == files.end() || found->first.ends_with(".html"))
    co_return fail(Code::not_found, "there is no such file");
  co_return found->second->answer(request);
}

}  // namespace

std::vector<PackedFile> read_pack(std::string_view pack) {
  const auto end = pack.find("\n\n");
  check(end != std::string_view::npos, "the web pack has a list");
  auto list = pack.substr(0, end + 1);
  auto bytes = pack.substr(end + 2);
  std::vector<PackedFile> files;
  while (!list.empty()) {
    const auto newline = list.find('\n');
    auto line = list.substr(0, newline);
    list.remove_prefix(newline + 1);
    PackedFile& file = files.emplace_back();
    file.path = take_word(line);
    file.plain = take_bytes(take_word(line), bytes);
    file.gzip = take_bytes(take_word(line), bytes);
    file.brotli = take_bytes(take_word(line), bytes);
  }
  check(bytes.empty(), "the web pack has no bytes left over");
  return files;
}

std::string_view web_content_type(std::string_view path) {
  static constexpr std::pair<std::string_view, std::string_view> types[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".webp", "image/webp"},
      {".woff2", "font/woff2"},
      {".webmanifest", "application/manifest+json"},
      {".json", "application/json"},
      {".txt", "text/plain; charset=utf-8"},
  };
  for (const auto& [end, type] : types)
    if (path.ends_with(end)) return type;
  return "application/octet-stream";
}

WebFile::WebFile(PackedFile file)
    : file_(std::move(file)),
      etag_(fmt::format("\"{:016x}\"", checksum(file_.plain.empty() ? file_.gzip : file_.plain))),
      is_page_(file_.path.ends_with(".html")),
      is_hashed_(file_.path.starts_with("assets/")),
      gzip_(shared(file_.gzip)),
      brotli_(shared(file_.brotli)) {}

const std::shared_ptr<const std::string>& WebFile::plain() const {
  std::call_once(once_, [this] {
    plain_ = gzip_ ? std::make_shared<const std::string>(gunzip(*gzip_))
                   : std::make_shared<const std::string>(file_.plain);
  });
  return plain_;
}

Reply WebFile::answer(const Request& request) const {
  Reply reply;
  reply.content_type = web_content_type(file_.path);
  reply.headers.push_back(Header{"ETag", "W/" + etag_});
  reply.headers.push_back(
      Header{"Cache-Control", is_hashed_ ? "public, max-age=31536000, immutable" : "no-cache"});
  if (is_page_) reply.headers.push_back(Header{"Content-Security-Policy", std::string(page_policy)});
  if (gzip_) reply.headers.push_back(Header{"Vary", "Accept-Encoding"});
  if (http::none_match(request, etag_)) return http::not_modified(std::move(reply));
  const auto accepted = request.header("Accept-Encoding");
  const bool rather_gzip =
      gzip_ && http::coding_weight(accepted, "gzip") > http::coding_weight(accepted, "br");
  if (brotli_ && !rather_gzip && http::accepts_coding(accepted, "br")) {
    reply.headers.push_back(Header{"Content-Encoding", "br"});
    reply.shared_body = brotli_;
  } else if (gzip_ && http::accepts_gzip(accepted)) {
    reply.headers.push_back(Header{"Content-Encoding", "gzip"});
    reply.shared_body = gzip_;
  } else {
    reply.shared_body = plain();
  }
  return reply;
}

void add_web_routes(http::Router& router) {
  auto files = std::make_shared<WebFiles>();
  for (auto& packed : read_pack(embedded::web_pack())) {
    std::string path = packed.path;
    files->emplace(std::move(path), std::make_shared<const WebFile>(std::move(packed)));
  }
  const auto add_page = [&](std::string_view name, std::initializer_list<const char*> addresses) {
    for (const char* address : addresses)
      router.add(Method::get, address,
                 [file = files->at(std::string(name))](const Request& r) { return serve(*file, r); });
  };
  add_page("shop.html", {"/", "/store", "/store/{page}", "/store/{page}/{id}"});
  add_page("admin.html", {"/admin", "/admin/{page}", "/admin/{page}/{id}"});
  // Typed with a slash at the end: the same page.
  for (const char* address : {"/store/", "/store/{page}/", "/admin/", "/admin/{page}/"})
    router.add(Method::get, address, [](const Request& r) {
      return lead_to(
          fmt::format("{}{}{}", r.path.substr(0, r.path.size() - 1), r.query.empty() ? "" : "?", r.query));
    });
  // One route for all files of a folder: a name with a hash is no name for a metric.
  for (const char* folder : {"", "assets/"})
    router.add(Method::get, fmt::format("/web/{}{{file}}", folder),
               [files, folder](const Request& r) { return serve_file(*files, folder, r); });
}

}  // namespace market::platform
