#pragma once
/// Real engines for the suites that need one. `./dev test` starts them once (tools/stack/engines.py) and
/// names their addresses; a suite that runs alone finds those of `tools/stack/engines.py up --dir
/// build/engines`. Where there is none, the suite skips, which is counted and says why.
///
///   const auto kafka = tests::engine("KAFKA");   // "127.0.0.1:9092", or empty

#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

namespace market::tests {

inline const std::map<std::string, std::string>& engines() {
  static const std::map<std::string, std::string> all = [] {
    std::map<std::string, std::string> found;
    const char* path = std::getenv("MARKET_ENGINES");
    std::ifstream file(path != nullptr ? path : "build/engines/env");
    for (std::string line; std::getline(file, line);)
      if (const auto equals = line.find('='); equals != std::string::npos)
        found[line.substr(0, equals)] = line.substr(equals + 1);
    return found;
  }();
  return all;
}

inline std::string engine(const std::string& name) {
  const auto found = engines().find(name);
  return found == engines().end() ? std::string() : found->second;
}

inline constexpr auto how_to_have_engines =
    "no such engine runs: tools/stack/engines.py up --dir build/engines --any-port";

}  // namespace market::tests
