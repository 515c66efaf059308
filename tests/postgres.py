import psycopg


class Cluster:
    def create_database(self, name):
        with psycopg.connect("postgresql://postgres@127.0.0.1:54329/postgres", autocommit=True) as c:
            c.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            c.execute(f"CREATE DATABASE {name}")

    def url(self, name):
        return f"postgresql://postgres@127.0.0.1:54329/{name}"
