"""A group of commands that suggests a command for a mistyped name."""

from __future__ import annotations

import click

from placed.commands.settings.nearest import nearest_of


class NearGroup(click.Group):
    """A group with suggestions; click itself makes them for options alone."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = click.utils.make_str(args[0])
        known = self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            ctx.fail(f"no command is called {name[:100]!r}; {nearest_of(name, known)}")
        return super().resolve_command(ctx, args)
