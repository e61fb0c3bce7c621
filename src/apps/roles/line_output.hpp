#pragma once
/// Writes lines where a reader may be slow, gone or full, and never waits for it longer than it is told to: a
/// pipe that nobody reads blocks whoever writes the ordinary way for ever.

#include <string>
#include <string_view>

#include "base/time.hpp"

namespace market::apps {

class LineOutput {
 public:
  /// Borrows `fd`. The blocking mode is one of the open file, which other processes may share, so that it is
  /// left as it is: we write through an opening of our own, or as the kind of file allows.
  explicit LineOutput(int fd);
  ~LineOutput();
  LineOutput(const LineOutput&) = delete;
  LineOutput& operator=(const LineOutput&) = delete;

  enum class Outcome : std::uint8_t { written, blocked, failed };
  /// Takes what was written off the front of `text`. `blocked`: nobody read for `patience`; `failed`: no
  /// space, or nobody will ever read.
  Outcome write(std::string_view& text, Millis patience);

 private:
  enum class Way : std::uint8_t { own, socket, polled };
  int fd_;
  Way way_ = Way::polled;
};

/// One line to a standard output or error, as far as it can be written in a second.
void print_patiently(int fd, std::string_view line);

/// Opens /dev/null where standard input, output or error are closed: else the next file that is opened, a
/// database say, would be written to by whoever prints. Before any file is opened.
void open_standard_files();

}  // namespace market::apps
