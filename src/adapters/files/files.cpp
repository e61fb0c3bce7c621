#include "adapters/files/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "base/text.hpp"

namespace market::files {
namespace {

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// Frees a file that has lost its name, unless somebody else has it open (a backup), or it has another name.
void free_in_steps(const FileDescriptor& file, off_t step) {
  struct stat about {};
  if (!file || ::fstat(file.get(), &about) != 0 || about.st_nlink != 0) return;
  if (about.st_size <= step || ::fcntl(file.get(), F_SETLEASE, F_WRLCK) != 0) return;
  for (off_t size = about.st_size; size > 0;) {
    size -= std::min(size, step);
    if (::ftruncate(file.get(), size) != 0 || ::fsync(file.get()) != 0) return;
  }
}

FileIdentity identify(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0 || (found.st_mode & S_IWUSR) == 0) return {};
  return {found.st_dev, found.st_ino};
}

/// A regular file to read, and its size in bytes; no descriptor when there is none.
Result<FileDescriptor> open_whole(const std::filesystem::path& path, off_t& size) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // A pipe would wait.
  if (!fd && errno == ENOENT) return fd;
  struct stat found {};
  if (!fd || ::fstat(fd.get(), &found) != 0) return fail(file_error("cannot be opened", path));
  if (!S_ISREG(found.st_mode)) return fail(Code::unavailable, path.string() + ": is not a file");
  size = found.st_size;
  return fd;
}

class Sha256 {
 public:
  Sha256() { EVP_DigestInit_ex(hash_.get(), EVP_sha256(), nullptr); }
  void add(std::string_view bytes) { EVP_DigestUpdate(hash_.get(), bytes.data(), bytes.size()); }
  std::string text() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    EVP_DigestFinal_ex(hash_.get(), digest.data(), &length);
    return to_hex({reinterpret_cast<const char*>(digest.data()), length});
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash_{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

}  // namespace

bool is_still_at(const FileDescriptor& open, const std::filesystem::path& path) {
  struct stat there {
  }, ours{};
  return ::stat(path.c_str(), &there) == 0 && ::fstat(open.get(), &ours) == 0 &&
         there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

DatabaseFiles::DatabaseFiles(std::string path)
    : path_(std::move(path)), wal_path_(path_ + "-wal"), file_(identify(path_)), wal_(identify(wal_path_)) {}

bool DatabaseFiles::in_place() const {
  return file_.inode != 0 && wal_.inode != 0 && identify(path_) == file_ && identify(wal_path_) == wal_;
}

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Error file_error(std::string_view what, const std::filesystem::path& path) {
  const int why = errno;
  const auto code = why == ENOSPC || why == EDQUOT ? Code::insufficient_storage : Code::unavailable;
  return Error(code, fmt::format("{}: {}: {}", path.string(), what, std::strerror(why)));
}

Result<> sync_folder(const std::filesystem::path& folder) {
  const char* name = folder.empty() ? "." : folder.c_str();
  const FileDescriptor fd(::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail(file_error("the folder cannot be synced", folder));
  return {};
}

DurableFile::DurableFile(std::filesystem::path path) : path_(std::move(path)), beside_(path_) {
  beside_ += ".tmp";
}

DurableFile::~DurableFile() {
  if (fd_) ::unlink(beside_.c_str());
}

Result<> DurableFile::begin(unsigned mode) {
  unsynced_ = 0;
  fd_ = FileDescriptor();
  ::unlink(beside_.c_str());  // Left over from a crash.
  fd_ = FileDescriptor(::open(beside_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd_) return fail(file_error("cannot be created", beside_));
  return give_to_folder_owner(beside_, fd_);
}

Result<> DurableFile::append(std::string_view piece) {
  if (!write_all(fd_.get(), piece)) return fail(file_error("cannot be written", beside_));
  unsynced_ += piece.size();
  if (unsynced_ < step_bytes) return {};
  unsynced_ = 0;
  if (::fdatasync(fd_.get()) != 0) return fail(file_error("cannot be written", beside_));
  return {};
}

Result<> DurableFile::commit() {
  if (::fsync(fd_.get()) != 0) return fail(file_error("cannot be written", beside_));
  fd_ = FileDescriptor();
  const FileDescriptor replaced(::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (::rename(beside_.c_str(), path_.c_str()) != 0) return fail(file_error("cannot be replaced", path_));
  auto synced = sync_folder(path_.parent_path());
  if (synced) free_in_steps(replaced, step_bytes);
  return synced;
}

Result<> write_file_durably(const std::filesystem::path& path, std::string_view bytes, unsigned mode) {
  DurableFile file(path);
  auto done = file.begin(mode);
  if (done) done = file.append(bytes);
  if (done) done = file.commit();
  return done;
}

Result<std::optional<std::string>> read_whole_file(const std::filesystem::path& path) {
  off_t size = 0;
  const auto file = open_whole(path, size);
  if (!file) return fail(file.error());
  if (!*file) return std::nullopt;
  std::string bytes(static_cast<std::size_t>(size), '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const auto got = ::read(file->get(), bytes.data() + filled, bytes.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(file_error("cannot be read", path));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

Result<std::optional<MappedFile>> MappedFile::open(const std::filesystem::path& path) {
  off_t size = 0;
  const auto file = open_whole(path, size);
  if (!file) return fail(file.error());
  if (!*file) return std::nullopt;
  const auto length = static_cast<std::size_t>(size);
  if (length == 0) return MappedFile({});
  void* const pages = ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, file->get(), 0);
  if (pages == MAP_FAILED) return fail(file_error("cannot be mapped", path));
  ::madvise(pages, length, MADV_SEQUENTIAL);
  return MappedFile({static_cast<const char*>(pages), length});
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

Result<std::optional<std::string>> read_key_file(const std::filesystem::path& path, std::size_t bytes_min) {
  auto bytes = read_whole_file(path);
  if (!bytes || !*bytes) return bytes;
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return fail(file_error("cannot be looked at", path));
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return fail(Code::validation,
                fmt::format("key file {} is open to others (mode {:o}); run chmod 600 on it", path.string(),
                            about.st_mode & 07777u));
  if ((*bytes)->size() < bytes_min)
    return fail(
        Code::validation,
        fmt::format("key file {} is too short ({} bytes, at least {} needed); restore it from a backup",
                    path.string(), (*bytes)->size(), bytes_min));
  return bytes;
}

std::string random_secret(std::size_t bytes) {
  std::string secret(bytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(secret.data()), static_cast<int>(bytes)) != 1)
    throw std::runtime_error("there are no random bytes for a new key");
  return secret;
}

std::string sha256_of(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.text();
}

Result<std::string> sha256_of_file(const std::filesystem::path& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(file_error("cannot be opened", path));
  Sha256 hash;
  std::string buffer(1 << 20, '\0');
  for (;;) {
    const auto got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(file_error("cannot be read", path));
    if (got == 0) break;
    hash.add({buffer.data(), static_cast<std::size_t>(got)});
  }
  return hash.text();
}

bool has_bytes(const std::filesystem::path& path) {
  std::error_code error;
  const auto type = std::filesystem::status(path, error).type();
  if (type != std::filesystem::file_type::regular) return type != std::filesystem::file_type::not_found;
  return std::filesystem::file_size(path, error) > 0;
}

Result<> give_to_folder_owner(const std::filesystem::path& made, const FileDescriptor& open) {
  if (::geteuid() != 0) return {};
  const auto folder = made.parent_path();
  struct stat about {};
  const char* name = folder.empty() ? "." : folder.c_str();
  const bool given =
      ::stat(name, &about) == 0 && (open ? ::fchown(open.get(), about.st_uid, about.st_gid)
                                         : ::lchown(made.c_str(), about.st_uid, about.st_gid)) == 0;
  if (!given) return fail(file_error("cannot be given to the owner of its folder", made));
  return {};
}

Result<> make_folder(const std::filesystem::path& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) return give_to_folder_owner(folder);
  if (errno != EEXIST) return fail(file_error("the folder cannot be created", folder));
  return {};
}

void create_for_owner(const std::string& path) {
  const FileDescriptor made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (made && give_to_folder_owner(path, made)) return;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const std::string file = path + suffix;
    struct stat about {};
    if (::stat(file.c_str(), &about) == 0 && S_ISREG(about.st_mode) &&
        (about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
      static_cast<void>(::chmod(file.c_str(), about.st_mode & S_IRWXU));  // Another's file stays as it is.
  }
}

Result<> expect_writable_database(const std::filesystem::path& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const std::string file = path.string() + suffix;
    if (::faccessat(AT_FDCWD, file.c_str(), R_OK | W_OK, AT_EACCESS) == 0 || errno == ENOENT) continue;
    return fail(Code::unavailable,
                fmt::format("{} cannot be read and written by this user ({}): put its owner "
                            "and mode right (chmod 600)",
                            file, std::strerror(errno)));
  }
  return {};
}

}  // namespace market::files
