#pragma once
/// An engine of one suite alone, to be killed, paused and started again: tools/stack/engines.py starts it in
/// a folder of its own and on a free port.

#include <sys/types.h>

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/support/temp_folder.hpp"

namespace market::tests {

class OwnEngine {
 public:
  explicit OwnEngine(std::string name) : name_(std::move(name)) { up(); }
  ~OwnEngine() {
    send(SIGKILL);
    run("down");
  }
  OwnEngine(const OwnEngine&) = delete;
  OwnEngine& operator=(const OwnEngine&) = delete;

  /// Starts it, again where it was, and waits until it serves.
  void up() {
    if (run("up") != 0) throw std::runtime_error(name_ + " cannot be started");
  }
  void send(int signal) {
    const pid_t which = pid();
    if (which <= 1) return;
    ::kill(which, signal);
    // Its threads stop one by one, when the machine comes to them.
    for (int i = 0; signal == SIGSTOP && i < 5'000 && !all_stopped(which); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::string address() const { return variable(name_ == "mariadb" ? "MYSQL" : upper(name_)); }
  std::string variable(const std::string& name) const {
    std::ifstream file(folder_ / "env");
    for (std::string line; std::getline(file, line);)
      if (line.starts_with(name + "=")) return line.substr(name.size() + 1);
    return {};
  }
  /// Kafka: one setting of a topic, through Kafka's own tool.
  void configure(const std::string& topic, const std::string& setting) {
    const std::string command =
        "java -Xmx128m -cp 'build/kafka/libs/*' kafka.admin.ConfigCommand --bootstrap-server " + address() +
        " --alter --entity-type topics --entity-name " + topic + " --add-config " + setting +
        " > /dev/null 2>&1";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("the topic cannot be configured");
  }

 private:
  static bool all_stopped(pid_t process) {
    std::error_code gone;
    for (const auto& thread :
         std::filesystem::directory_iterator(fmt::format("/proc/{}/task", process), gone)) {
      std::ifstream file(thread.path() / "stat");
      std::string stat;
      std::getline(file, stat);
      const auto name_end = stat.rfind(") ");
      if (name_end != std::string::npos && stat[name_end + 2] != 'T') return false;
    }
    return true;
  }
  static std::string upper(std::string text) {
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
  }
  pid_t pid() const {
    std::ifstream file(folder_ / ("pids/" + name_ + ".pid"));
    pid_t found = 0;
    file >> found;
    return found;
  }
  int run(const std::string& action) {
    const std::string command = "python3 tools/stack/engines.py " + action + " " + name_ +
                                " --any-port --dir " + folder_.path().string() + " > /dev/null 2>&1";
    return std::system(command.c_str());
  }
  std::string name_;
  TempFolder folder_;
};

}  // namespace market::tests
