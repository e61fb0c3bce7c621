#include "services/platform/docs_page.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include "base/check.hpp"
#include "base/checksum.hpp"
#include "http/message/compression.hpp"
#include "http/message/conditional.hpp"

namespace market::platform {

using http::Reply;
using http::Request;

std::string gunzip(std::string_view gzipped) {
  z_stream stream{};
  check(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK, "zlib can start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzipped.data()));
  stream.avail_in = static_cast<uInt>(gzipped.size());
  std::string text;
  int status = Z_OK;
  while (status == Z_OK) {
    char piece[16 * 1024];
    stream.next_out = reinterpret_cast<Bytef*>(piece);
    stream.avail_out = sizeof piece;
    status = inflate(&stream, Z_NO_FLUSH);
    text.append(piece, sizeof piece - stream.avail_out);
  }
  inflateEnd(&stream);
  check(status == Z_STREAM_END, "an embedded file is whole");
  return text;
}

EmbeddedFile::EmbeddedFile(std::string_view content_type, std::string_view gzipped, std::string_view policy)
    : content_type_(content_type),
      policy_(policy),
      gzipped_(std::make_shared<const std::string>(gzipped)),
      etag_(fmt::format("\"{:016x}\"", checksum(gzipped))) {}

const std::shared_ptr<const std::string>& EmbeddedFile::unpacked() const {
  std::call_once(once_, [this] { unpacked_ = std::make_shared<const std::string>(gunzip(*gzipped_)); });
  return unpacked_;
}

Reply EmbeddedFile::answer(const Request& request) const {
  Reply reply;
  reply.content_type = content_type_;
  reply.headers.push_back(http::Header{"ETag", "W/" + etag_});
  reply.headers.push_back(http::Header{"Cache-Control", "no-cache"});
  if (!policy_.empty())
    reply.headers.push_back(http::Header{"Content-Security-Policy", std::string(policy_)});
  reply.headers.push_back(http::Header{"Vary", "Accept-Encoding"});
  if (http::none_match(request, etag_)) return http::not_modified(std::move(reply));
  if (!http::accepts_gzip(request.header("Accept-Encoding"))) {
    reply.shared_body = unpacked();
    return reply;
  }
  reply.headers.push_back(http::Header{"Content-Encoding", "gzip"});
  reply.shared_body = gzipped_;
  return reply;
}

}  // namespace market::platform
