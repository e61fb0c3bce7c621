// A settings file of any bytes is taken, or refused with one line that an operator can read.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "apps/settings/settings.hpp"

namespace {

/// A file without a disk below it.
class MemoryFile {
 public:
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }
  void write(const std::uint8_t* data, std::size_t size) const {
    if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  }

 private:
  const int fd_ = ::memfd_create("settings", 0);
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile file;
  file.write(data, size);
  market::apps::Settings settings;
  try {
    settings.read_file(file.path());
  } catch (const market::apps::UsageError& refused) {
    const std::string_view line = refused.what();
    if (line.empty() || line.find('\n') != std::string_view::npos) std::abort();
    return 0;
  }
  for (const auto& known : market::apps::known_settings()) {
    using Kind = market::apps::SettingKind;
    if (known.kind == Kind::number) {
      const auto number = settings.number(known.key);
      if (number < known.range.least || number > known.range.greatest) std::abort();
    } else if (known.kind == Kind::duration) {
      const auto millis = settings.duration(known.key).count();
      if (millis < known.range.least || millis > known.range.greatest) std::abort();
    }
  }
#ifdef MARKET_FUZZ_CANARY
  // A planted bug that the fuzzer must find.
  if (settings.is_given("orders.payment_window")) std::abort();
#endif
  return 0;
}
