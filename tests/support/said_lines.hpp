#pragma once
/// What is logged while this lives; to be made before, and to end behind, whatever logs from its own threads.

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>
#include <string>
#include <string_view>

namespace market::tests {

class SaidLines {
 public:
  SaidLines() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)));
  }
  ~SaidLines() { spdlog::set_default_logger(before_); }
  SaidLines(const SaidLines&) = delete;
  SaidLines& operator=(const SaidLines&) = delete;

  /// How many hold these words. When nobody logs any more.
  int with(std::string_view words) const {
    std::istringstream lines(text_.str());
    int found = 0;
    for (std::string line; std::getline(lines, line);) found += line.find(words) != std::string::npos;
    return found;
  }

 private:
  std::shared_ptr<spdlog::logger> before_;
  std::ostringstream text_;
};

}  // namespace market::tests
