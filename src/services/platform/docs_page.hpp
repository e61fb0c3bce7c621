#pragma once
/// A file embedded compressed into the binary (cmake/embed.cmake), and how it is served.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "http/message/message.hpp"

namespace market::platform {

/// Serves one embedded file with ETag: as it is to whoever takes gzip, unpacked (once, kept) to the others.
class EmbeddedFile {
 public:
  EmbeddedFile(std::string_view content_type, std::string_view gzipped, std::string_view policy = {});
  http::Reply answer(const http::Request& request) const;

 private:
  const std::shared_ptr<const std::string>& unpacked() const;

  std::string_view content_type_;
  std::string_view policy_;  ///< Content-Security-Policy; empty: the server's strict default.
  std::shared_ptr<const std::string> gzipped_;
  std::string etag_;  ///< Without W/; sent weak, because both forms carry it.
  mutable std::once_flag once_;
  mutable std::shared_ptr<const std::string> unpacked_;
};

/// The bytes of a gzip member. check() fails on anything else: the input is our own binary.
std::string gunzip(std::string_view gzipped);

}  // namespace market::platform
