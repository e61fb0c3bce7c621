#pragma once
/// The shop and the operators' console: files that web/ builds, packed into the binary (cmake/web.cmake).
///
/// A file whose name carries its hash is kept by browsers for a year; the pages that name them are asked for
/// anew each time (ETag). Every address of a page gives the same document, whose script shows what the
/// address says; an address that no page has stays a 404 problem.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "http/server/router.hpp"

namespace market::platform {

/// One file of the pack. Text has a gzip and a brotli form and no plain one; a picture or font only that.
struct PackedFile {
  std::string path;  ///< "shop.html", "assets/shop-D41d8cd9.js"
  std::string_view plain, gzip, brotli;
};

/// What web/pack.mjs wrote: a line per file (`path plain gzip brotli`, sizes in bytes), an empty line, the
/// bytes. check() fails on anything else: the input is our own binary.
std::vector<PackedFile> read_pack(std::string_view pack);

/// By the end of the name; a literal.
std::string_view web_content_type(std::string_view path);

/// Serves one packed file in the smallest form that the client takes.
class WebFile {
 public:
  explicit WebFile(PackedFile file);
  http::Reply answer(const http::Request& request) const;

 private:
  const std::shared_ptr<const std::string>& plain() const;

  PackedFile file_;
  std::string etag_;  ///< Without W/; sent weak, because all forms carry it.
  bool is_page_, is_hashed_;
  std::shared_ptr<const std::string> gzip_, brotli_;
  mutable std::once_flag once_;
  mutable std::shared_ptr<const std::string> plain_;
};

/// `/`, `/shop/...`, `/admin/...` and `/web/...`.
void add_web_routes(http::Router& router);

}  // namespace market::platform
