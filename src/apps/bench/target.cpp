#include <fmt/format.h>
#include <netdb.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "apps/bench/generator.hpp"
#include "apps/bench/response_reader.hpp"

namespace market::apps::load {

Target resolve(const std::string& url) {
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme))
    throw std::runtime_error(fmt::format("'{}' is not of the form http://host:port", url));
  Target target;
  target.host = url.substr(scheme.size(), url.find('/', scheme.size()) - scheme.size());
  const std::size_t colon = target.host.rfind(':');
  const bool has_port = colon != std::string::npos && target.host.back() != ']';
  std::string host = target.host.substr(0, has_port ? colon : std::string::npos);
  const std::string port = has_port ? target.host.substr(colon + 1) : "80";
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) throw std::runtime_error(fmt::format("'{}': {}", url, ::gai_strerror(error)));
  std::memcpy(&target.address, found->ai_addr, found->ai_addrlen);
  target.size = found->ai_addrlen;
  ::freeaddrinfo(found);
  return target;
}

std::string fetch(const Target& target, const std::string& path) {
  const int fd = ::socket(target.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&target.address), target.size) != 0) {
    ::close(fd);
    throw std::runtime_error(fmt::format("cannot reach {}: {}", target.host, std::strerror(errno)));
  }
  const auto request =
      fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", path, target.host);
  std::string answer;
  ResponseReader reader;
  Reading reading = Reading::incomplete;
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    char bytes[16 * 1024];
    ssize_t count = 0;
    while (reading == Reading::incomplete && (count = ::recv(fd, bytes, sizeof bytes, 0)) > 0) {
      answer.append(bytes, static_cast<std::size_t>(count));
      reading = reader.read(answer);
    }
  }
  ::close(fd);
  if (reading != Reading::complete || reader.answer().status != 200)
    throw std::runtime_error(fmt::format("{}{} answered {}", target.host, path, reader.answer().status));
  return std::string(reader.answer().body);
}

}  // namespace market::apps::load
