#pragma once
/// Reads HTTP/1.1 answers for the load generator: only what it needs, as cheaply as possible. It trusts the
/// server.

#include <cstdint>
#include <string_view>

namespace market::apps::load {

enum class Reading : std::uint8_t { incomplete, complete, broken };

/// One answer, read from the front of a buffer that only grows until the answer is complete:
///
///   switch (reader.read(buffered)) { case complete: use(reader.answer()); reader.reset(); ... }
class ResponseReader {
 public:
  struct Answer {
    int status = 0;
    bool closes = false;    ///< The server closes the connection behind it.
    std::size_t bytes = 0;  ///< Of head and body; what follows is the next answer.
    std::string_view body;  ///< As sent (with the chunks' sizes, if chunked); points into the buffer.
  };

  Reading read(std::string_view buffered);
  const Answer& answer() const { return answer_; }
  void reset() { *this = ResponseReader(); }

 private:
  Reading read_head(std::string_view buffered);
  Reading read_chunks(std::string_view buffered);
  bool read_field(std::string_view line);
  Answer answer_;
  std::size_t head_bytes_ = 0;  ///< 0: the head is not complete yet.
  std::size_t body_bytes_ = 0;
  bool chunked_ = false;
};

/// The `code` member of a problem document; empty when there is none.
std::string_view problem_code(std::string_view body);

}  // namespace market::apps::load
