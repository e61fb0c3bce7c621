#pragma once
/// What a streaming handler writes to: each piece is one chunk, and the socket's pace is the writer's.

#include <fmt/format.h>

#include <iterator>

#include "http/server/connection.hpp"

namespace market::http {

class ConnectionStream final : public Stream {
 public:
  ConnectionStream(Connection& session, bool chunked) : session_(session), chunked_(chunked) {}

  Task<> write(std::string piece) override {
    if (piece.empty()) co_return Result<>();
    if (session_.is_unwanted() || session_.closed_) co_return fail(Code::unavailable, "the stream has ended");
    if (chunked_) {
      fmt::format_to(std::back_inserter(session_.out_), "{:x}\r\n", piece.size());
      session_.out_.append(piece).append("\r\n");
    } else {
      session_.out_.append(piece);
    }
    const bool sent = co_await session_.flush();
    if (!sent) co_return fail(Code::unavailable, "the stream's reader is gone");
    co_return Result<>();
  }

 private:
  Connection& session_;
  bool chunked_;
};

}  // namespace market::http
