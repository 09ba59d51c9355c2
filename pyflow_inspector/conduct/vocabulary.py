"""What well-known names from outside do, as data. The longest name or `prefix.*` that fits is the one that counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["clock", "random", "environment", "file", "network", "thread", "wait", "loop", "harmless"]


@dataclass(frozen=True, slots=True)
class Group:
    """Names that do the same. `refused` says that pyflow refuses it at run time, so that a run cannot go on."""

    kind: Kind
    does: str
    names: str
    refused: bool = False
    blocks: bool = False
    """Whether it holds up the thread that calls it, and with it every run of the process."""


GROUPS = (
    # Each replay happens at another time.
    Group(
        "clock",
        "reads the clock",
        """
        time.time time.time_ns time.monotonic time.monotonic_ns time.perf_counter time.perf_counter_ns
        time.process_time time.process_time_ns time.thread_time time.thread_time_ns time.clock_gettime
        time.clock_gettime_ns time.localtime time.gmtime time.ctime time.asctime time.strftime
        datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today
        django.utils.timezone.now django.utils.timezone.localdate django.utils.timezone.localtime
        pendulum.now pendulum.today pendulum.tomorrow pendulum.yesterday
        arrow.now arrow.utcnow whenever.Instant.now whenever.ZonedDateTime.now whenever.SystemDateTime.now
        pandas.Timestamp.now pandas.Timestamp.today pandas.Timestamp.utcnow
        """,
    ),
    # Each replay draws anew.
    Group(
        "random",
        "is random",
        """
        random.* secrets.* os.urandom os.getrandom numpy.random.*
        uuid.uuid1 uuid.uuid4 uuid.uuid6 uuid.uuid7
        ulid.ULID ulid.new ulid.ulid nanoid.generate shortuuid.uuid shortuuid.random cuid2.Cuid ksuid.Ksuid
        bson.ObjectId bson.objectid.ObjectId
        """,
    ),
    # `secrets` and `random` hold a few things that draw nothing; a `Random` with a seed gives the same every time.
    Group(
        "harmless",
        "",
        """
        secrets.compare_digest random.Random.* random.setstate random.getstate
        numpy.random.Generator.* numpy.random.SeedSequence
        """,
    ),
    # Texts and bytes hash differently in each process, and addresses differ anyway.
    Group("random", "differs from process to process", "builtins.hash builtins.id"),
    # The worker that replays may be another machine, with other variables and another command line.
    Group(
        "environment",
        "reads the environment",
        """
        os.environ os.environ.* os.environb os.environb.* os.getenv os.getenvb os.putenv os.unsetenv
        os.getpid os.getppid os.getuid os.getgid os.getlogin os.getcwd os.getcwdb os.uname os.cpu_count
        os.process_cpu_count os.getloadavg os.path.expanduser os.path.expandvars os.path.abspath os.path.realpath
        platform.* socket.gethostname socket.getfqdn getpass.getuser getpass.getpass locale.getlocale
        locale.getdefaultlocale sys.argv sys.orig_argv sys.stdin sys.stdin.* builtins.input
        pathlib.Path.home pathlib.Path.cwd pathlib.Path.expanduser pathlib.Path.absolute pathlib.Path.resolve
        multiprocessing.cpu_count multiprocessing.current_process
        threading.get_ident threading.get_native_id threading.current_thread
        dotenv.load_dotenv dotenv.dotenv_values dotenv.get_key decouple.config environs.Env environs.Env.*
        pydantic_settings.BaseSettings
        """,
    ),
    # What was read may have changed by the next replay; what was written is written again.
    Group(
        "file",
        "touches files",
        """
        builtins.open io.open io.open_code io.FileIO codecs.open
        os.open os.fdopen os.read os.write os.remove os.unlink os.rename os.renames os.replace os.mkdir os.makedirs
        os.rmdir os.removedirs os.listdir os.scandir os.walk os.fwalk os.stat os.lstat os.access os.chmod os.chown
        os.symlink os.link os.readlink os.truncate os.utime os.chdir os.statvfs
        os.path.exists os.path.lexists os.path.isfile os.path.isdir os.path.islink os.path.getsize os.path.getmtime
        os.path.getctime os.path.getatime os.path.samefile
        pathlib.Path.open pathlib.Path.read_text pathlib.Path.read_bytes pathlib.Path.write_text
        pathlib.Path.write_bytes pathlib.Path.exists pathlib.Path.is_file pathlib.Path.is_dir
        pathlib.Path.is_symlink pathlib.Path.iterdir pathlib.Path.glob pathlib.Path.rglob pathlib.Path.walk
        pathlib.Path.mkdir pathlib.Path.rmdir pathlib.Path.unlink pathlib.Path.rename pathlib.Path.replace
        pathlib.Path.touch pathlib.Path.stat pathlib.Path.lstat pathlib.Path.chmod pathlib.Path.symlink_to
        pathlib.Path.hardlink_to pathlib.Path.samefile pathlib.Path.owner
        shutil.* tempfile.* glob.glob glob.iglob fileinput.input linecache.getline
        zipfile.ZipFile tarfile.open gzip.open bz2.open lzma.open shelve.open dbm.open sqlite3.connect
        importlib.resources.read_text importlib.resources.read_binary importlib.resources.open_text
        pandas.read_csv pandas.read_parquet pandas.read_excel pandas.read_json
        """,
    ),
    # They hand the work to a thread, which the loop of a run does not have.
    Group(
        "file",
        "touches files",
        """
        aiofiles.open aiofiles.os.* aiofiles.tempfile.* anyio.open_file aiosqlite.connect
        anyio.Path.read_text anyio.Path.read_bytes anyio.Path.write_text anyio.Path.write_bytes anyio.Path.open
        anyio.Path.exists anyio.Path.is_file anyio.Path.is_dir anyio.Path.mkdir anyio.Path.unlink
        """,
        refused=True,
    ),
    # A replay asks, sends or pays again, and while it waits every run of the process waits.
    Group(
        "network",
        "talks to the network",
        """
        requests.get requests.post requests.put requests.patch requests.delete requests.head requests.options
        requests.request requests.Session requests.session requests.Session.*
        httpx.get httpx.post httpx.put httpx.patch httpx.delete httpx.head httpx.options httpx.request httpx.stream
        httpx.Client httpx.Client.* urllib.request.urlopen urllib.request.urlretrieve urllib.request.build_opener
        http.client.HTTPConnection http.client.HTTPSConnection urllib3.request urllib3.PoolManager
        urllib3.PoolManager.* socket.socket socket.create_connection socket.create_server socket.getaddrinfo
        socket.gethostbyname socket.gethostbyaddr socket.socketpair
        smtplib.SMTP smtplib.SMTP_SSL ftplib.FTP ftplib.FTP_TLS imaplib.IMAP4 imaplib.IMAP4_SSL poplib.POP3
        telnetlib.Telnet xmlrpc.client.ServerProxy paramiko.SSHClient
        boto3.client boto3.client.* boto3.resource boto3.resource.* boto3.Session
        psycopg.connect psycopg.connect.* psycopg2.connect psycopg2.connect.* pymysql.connect mysql.connector.connect
        redis.Redis redis.Redis.* redis.StrictRedis redis.from_url redis.from_url.*
        pymongo.MongoClient pymongo.MongoClient.* elasticsearch.Elasticsearch kafka.KafkaProducer kafka.KafkaConsumer
        stripe.* slack_sdk.WebClient slack_sdk.WebClient.* twilio.rest.Client
        openai.OpenAI openai.OpenAI.* anthropic.Anthropic anthropic.Anthropic.* grpc.insecure_channel
        grpc.secure_channel
        """,
        blocks=True,
    ),
    # A client alone connects to nothing yet.
    Group(
        "network",
        "opens a network client",
        """
        httpx.AsyncClient aiohttp.ClientSession aiohttp.TCPConnector openai.AsyncOpenAI anthropic.AsyncAnthropic
        redis.asyncio.Redis redis.asyncio.from_url redis.asyncio.StrictRedis motor.motor_asyncio.AsyncIOMotorClient
        aioboto3.Session elasticsearch.AsyncElasticsearch slack_sdk.web.async_client.AsyncWebClient
        grpc.aio.insecure_channel grpc.aio.secure_channel
        """,
    ),
    # The loop of a run has no sockets.
    Group(
        "network",
        "talks to the network",
        """
        httpx.AsyncClient.get httpx.AsyncClient.post httpx.AsyncClient.put httpx.AsyncClient.patch
        httpx.AsyncClient.delete httpx.AsyncClient.head httpx.AsyncClient.options httpx.AsyncClient.request
        httpx.AsyncClient.send httpx.AsyncClient.stream
        aiohttp.ClientSession.get aiohttp.ClientSession.post aiohttp.ClientSession.put aiohttp.ClientSession.patch
        aiohttp.ClientSession.delete aiohttp.ClientSession.head aiohttp.ClientSession.options
        aiohttp.ClientSession.request aiohttp.ClientSession.ws_connect aiohttp.request
        redis.asyncio.Redis.get redis.asyncio.Redis.set redis.asyncio.Redis.delete redis.asyncio.Redis.publish
        redis.asyncio.Redis.incr redis.asyncio.Redis.hget redis.asyncio.Redis.hset redis.asyncio.Redis.lpush
        redis.asyncio.from_url.get redis.asyncio.from_url.set redis.asyncio.from_url.publish
        asyncpg.connect asyncpg.connect.* asyncpg.create_pool asyncpg.create_pool.* aiomysql.connect
        aiomysql.create_pool psycopg.AsyncConnection.connect websockets.connect websockets.connect.* nats.connect
        aiosmtplib.send aio_pika.connect aio_pika.connect_robust
        asyncio.open_connection asyncio.open_unix_connection asyncio.start_server asyncio.start_unix_server
        asyncio.AbstractEventLoop.create_connection asyncio.AbstractEventLoop.create_server
        asyncio.AbstractEventLoop.create_unix_connection asyncio.AbstractEventLoop.create_unix_server
        asyncio.AbstractEventLoop.create_datagram_endpoint asyncio.AbstractEventLoop.getaddrinfo
        asyncio.AbstractEventLoop.getnameinfo asyncio.AbstractEventLoop.sock_recv
        asyncio.AbstractEventLoop.sock_recv_into asyncio.AbstractEventLoop.sock_recvfrom
        asyncio.AbstractEventLoop.sock_sendall asyncio.AbstractEventLoop.sock_sendto
        asyncio.AbstractEventLoop.sock_connect asyncio.AbstractEventLoop.sock_accept
        asyncio.AbstractEventLoop.sock_sendfile asyncio.AbstractEventLoop.start_tls
        asyncio.AbstractEventLoop.sendfile asyncio.AbstractEventLoop.add_reader
        asyncio.AbstractEventLoop.add_writer asyncio.AbstractEventLoop.connect_read_pipe
        asyncio.AbstractEventLoop.connect_write_pipe asyncio.AbstractEventLoop.connect_accepted_socket
        """,
        refused=True,
    ),
    # It starts another one on each replay, and its result comes at a moment that no record holds.
    Group(
        "thread",
        "starts a thread",
        """
        threading.Thread threading.Timer _thread.start_new_thread concurrent.futures.ThreadPoolExecutor
        concurrent.futures.ThreadPoolExecutor.* multiprocessing.pool.ThreadPool asyncio.run_coroutine_threadsafe
        """,
    ),
    Group(
        "thread",
        "starts a process",
        """
        multiprocessing.Process multiprocessing.Pool multiprocessing.Manager concurrent.futures.ProcessPoolExecutor
        concurrent.futures.ProcessPoolExecutor.* os.fork os.forkpty os.posix_spawn os.posix_spawnp os.startfile
        """,
    ),
    Group(
        "thread",
        "starts a process",
        """
        subprocess.run subprocess.Popen subprocess.call subprocess.check_call subprocess.check_output
        subprocess.getoutput subprocess.getstatusoutput os.system os.popen os.spawnl os.spawnle os.spawnlp os.spawnv
        os.spawnve os.spawnvp os.wait os.waitpid
        """,
        blocks=True,
    ),
    Group("thread", "sends a signal or handles one", "os.kill os.killpg os.abort signal.signal signal.alarm"),
    # The loop of a run has neither threads nor processes.
    Group(
        "thread",
        "asks for a thread",
        """
        asyncio.to_thread asyncio.AbstractEventLoop.run_in_executor
        asyncio.AbstractEventLoop.call_soon_threadsafe asyncio.AbstractEventLoop.set_default_executor
        anyio.to_thread.run_sync starlette.concurrency.run_in_threadpool fastapi.concurrency.run_in_threadpool
        """,
        refused=True,
    ),
    Group(
        "thread",
        "starts a process",
        """
        asyncio.create_subprocess_exec asyncio.create_subprocess_shell asyncio.AbstractEventLoop.subprocess_exec
        asyncio.AbstractEventLoop.subprocess_shell anyio.run_process anyio.open_process
        """,
        refused=True,
    ),
    Group(
        "thread",
        "handles a signal",
        "asyncio.AbstractEventLoop.add_signal_handler asyncio.AbstractEventLoop.remove_signal_handler",
        refused=True,
    ),
    # The loop of a run has no timers: what waits for time would wait for ever after a restart.
    Group(
        "wait",
        "waits for time",
        """
        asyncio.sleep asyncio.timeout asyncio.timeout_at asyncio.wait_for asyncio.wait asyncio.as_completed
        asyncio.AbstractEventLoop.call_later asyncio.AbstractEventLoop.call_at
        anyio.sleep anyio.sleep_until anyio.fail_after anyio.move_on_after async_timeout.timeout
        """,
        refused=True,
    ),
    Group("wait", "waits for time", "time.sleep signal.sigtimedwait threading.Event.wait", blocks=True),
    # A run has a loop already, which cannot be left for another one.
    Group(
        "loop",
        "runs another event loop",
        """
        asyncio.run asyncio.Runner.run asyncio.AbstractEventLoop.run_until_complete
        asyncio.AbstractEventLoop.run_forever asyncio.AbstractEventLoop.stop asyncio.AbstractEventLoop.close
        anyio.run trio.run uvloop.run
        """,
        refused=True,
    ),
)


def _by_name() -> dict[str, Group]:
    return {name: group for group in GROUPS for name in group.names.split()}


_NAMES = _by_name()


def find_group(dotted: str | None) -> Group | None:
    """The group of an absolute name; nothing for what does no harm or is not known."""
    if dotted is None:
        return None
    group = _NAMES.get(dotted)
    while group is None and "." in dotted:
        dotted = dotted.rpartition(".")[0]
        group = _NAMES.get(f"{dotted}.*")
    return None if group is None or group.kind == "harmless" else group
