#include "base/limited_warnings.hpp"

#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>

#include "base/line_limit.hpp"

namespace market {

std::function<void(const std::string&)> limited_warnings() {
  struct Said {
    std::mutex mutex;
    LineLimit lines;
    SystemClock clock;
  };
  return [said = std::make_shared<Said>()](const std::string& line) {
    const std::lock_guard lock(said->mutex);
    if (said->lines.allows(line, said->clock.now())) spdlog::warn("{}", line);
  };
}

}  // namespace market
